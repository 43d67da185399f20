using CsCheck;
using MegaInfer.Engine.ChatTemplates;
using Xunit;

namespace MegaInfer.Engine.Tests.ChatTemplates;

/// <summary>Whatever a template contains, it renders or fails with its own exception, and soon.</summary>
public sealed class JinjaFuzzTests
{
    private static readonly string[] Fragments =
    [
        "{{", "}}", "{%", "%}", "{%-", "-%}", "{{-", "-}}", "{#", "#}", " ", "\n", "if ", "else", "elif ", "endif", "for ", " in ", "endfor", "set ", "endset", "macro ",
        "endmacro", "call ", "endcall", "m", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "~", "+", "-", "*", "**", "/", "//", "%", "==", "!=", "<", ">=", "=",
        "'a'", "\"b\"", "'", "1", "0", "2.5", "99999999999", "true", "none", "messages", "loop", "namespace(a=1)", "range(9)", "x", "x.y", "is ", "is not ", "defined", "string",
        "join", "length", "tojson", "sort", "reverse", "map", "select", "list", "first", "default", "replace", "indent", "trim", "items", "unique", "batch", "int", "float", "round",
        "not ", "and ", "or ", "raw", "endraw", "break", "continue", "filter ", "endfilter", "with ", "endwith", "generation", "endgeneration", "caller()", "recursive", "\\", "é", "😀", "\ud800",
    ];

    private static readonly string[] Seeds =
    [
        "{% for m in messages %}{{ m.role ~ m['content'] }}{% endfor %}",
        "{% macro f(a, b=1) %}{{ a | tojson(indent=b) }}{% endmacro %}{{ f(messages[0]) }}",
        "{% set n = namespace(a=[]) %}{% for i in range(5) if i is odd %}{% set n.a = n.a + [i] %}{% endfor %}{{ n.a[::-1] | join(',') }}",
        "{{ messages | map(attribute='role') | unique | list | sort | first | upper | replace('A', 'b') | indent(2) }}",
        "{% if messages[0].content.startswith('h') and not x is defined %}{{ 1 + 2 * 3 // 4 % 5 ** 1 }}{% else %}{% raw %}{{{% endraw %}{% endif %}",
        "{{ {'a': (1, 2.5), 'b': [none, true]} }}{{ 'abc'.split('b') }}{{ 'x' * 5 }}{{ [1] * 3 }}",
    ];

    [Fact]
    public void Render_FragmentsInAnyOrder_NeverThrowsAnythingElse() =>
        AnyOf(Fragments).Array[0, 30].Select(parts => string.Concat(parts)).Sample(Survives, iter: 5_000, threads: 1);

    [Fact]
    public void Render_MutatedTemplate_NeverThrowsAnythingElse() =>
        Gen.Select(AnyOf(Seeds), Gen.Int[0, 200], Gen.Int[0, 12], AnyOf(Fragments)).Select((seed, at, cut, insert) =>
        {
            at = Math.Min(at, seed.Length);
            return string.Concat(seed.AsSpan(0, at), insert, seed.AsSpan(Math.Min(seed.Length, at + cut)));
        }).Sample(Survives, iter: 5_000, threads: 1);

    [Fact]
    public void Render_DeeplyNested_FailsInsteadOfOverflowingTheStack()
    {
        string[] deep =
        [
            "{{ " + new string('(', 20_000) + " }}",
            "{{ " + new string('[', 20_000) + " }}",
            "{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 20_000)) + " }}",
            "{{ x" + string.Concat(Enumerable.Repeat(".a", 20_000)) + " }}",
            "{{ x" + string.Concat(Enumerable.Repeat(" | trim", 20_000)) + " }}",
            "{{ " + string.Concat(Enumerable.Repeat("not ", 20_000)) + "x }}",
            "{{ " + string.Concat(Enumerable.Repeat("- ", 20_000)) + "1 }}",
            "{{ " + string.Concat(Enumerable.Repeat("1 if x else ", 20_000)) + "1 }}",
            string.Concat(Enumerable.Repeat("{% if true %}", 20_000)),
            string.Concat(Enumerable.Repeat("{% for i in [1] %}", 1_000)) + string.Concat(Enumerable.Repeat("{% endfor %}", 1_000)),
            "{% set (" + new string('(', 20_000) + " = 1 %}",
        ];
        foreach (string template in deep)
            Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template).Render([], false));
    }

    private static Gen<string> AnyOf(string[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static void Survives(string template)
    {
        try
        {
            ChatTemplate.Parse(template).Render([new ChatMessage("user", "hello"), new ChatMessage("assistant", null)], true);
        }
        catch (ChatTemplateException)
        {
            // The one way to fail.
        }
    }
}
