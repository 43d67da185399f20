using System.Text;
using System.Text.RegularExpressions;

namespace MegaInfer.Engine.Tests.Fuzzing;

/// <summary>Damages chat templates so that they mostly stay templates: words and marks are swapped, moved, repeated and replaced. Deterministic by seed.</summary>
internal sealed partial class TemplateMutator(IReadOnlyList<string> corpus)
{
    // For between tags: whole statements, so that the blocks around stay whole.
    private static readonly string[] Statements =
    [
        "{{ x }}", "{{- messages | tojson -}}", "{% if x %}a{% endif %}", "{% if not x %}a{% else %}b{% endif %}", "{% for i in range(9) %}{{ loop.index0 ~ i }}{% endfor %}", "{# note #}", " ", "\n",
        "{% for i in range(100000) %}{% endfor %}", "{% for i in messages recursive %}{{ loop(messages) }}{% endfor %}", "{% set x = x ~ 'ab' * 1000 %}", "{% set x %}{{ x }}{{ x }}{% endset %}", "{{ raise_exception('no') }}",
        "{% macro m(a, b=1) %}{{ a }}{{ caller() if caller }}{% endmacro %}", "{{ m(1) }}", "{% call m(2) %}x{% endcall %}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% filter upper %}a{% endfilter %}",
        "{% with a = x %}{{ a }}{% endwith %}", "{% raw %}{{{% endraw %}", "{% generation %}g{% endgeneration %}", "{% set n = namespace(a=[]) %}{% set n.a = n.a + n.a + [n.a] %}", "{{ n.a }}", "{{ strftime_now('%Y %q') }}",
        "{{", "}}", "{%", "%}", "{#", "{% endif %}", "{% endfor %}", "{% break %}", "é😀",
    ];

    // For inside tags.
    private static readonly string[] Pieces =
    [
        " ", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "~", "+", "-", "*", "**", "/", "//", "%", "==", "!=", "<", ">=", "=", "'a'", "\"b\"", "'", "1", "0", "-1", "2.5", "99999999999", "1e308", "9223372036854775807",
        "true", "none", "messages", "loop", "loop.index0", "namespace(a=1)", "range(100000)", "x", "x.y", " is defined", " is not none", " is string", " is iterable", " in messages", " if x else 1", " or x", " and not x",
        "| join", "| length", "| tojson", "| tojson(indent=4)", "| sort", "| reverse", "| map('upper')", "| select", "| list", "| first", "| default('x', true)", "| replace('a', 'bb')", "| replace('', 'bb')", "| indent(9)",
        "| trim", "| items", "| unique", "| batch(2)", "| int", "| float", "| round(400)", "| string", "| center(100000)", "| sum", "| dictsort", "| groupby('role')", "caller()", "loop(x)", "* 100000", "* 'ab'", "[::-1]", "[1:]",
        "[::0]", ".split('a')", ".items()", ".startswith('a')", "+ x + x", "~ x ~ x", "dict(a=x)", "'ab' * 100000", "[x] * 100000", "2 ** 62", "**x", "*x", "\\",
    ];

    private const int MostRepeats = 2_000;

    private readonly string[][] _corpus = [.. corpus.Select(template => Tokens().Matches(template).Select(match => match.Value).ToArray())];

    public byte[] Make(int seed)
    {
        Random random = new(seed);
        List<string> tokens = [.. _corpus[random.Next(_corpus.Length)]];
        for (int wounds = random.Next(1, 4); wounds > 0 && tokens.Count > 0; wounds--)
            Wound(tokens, random);
        List<byte> bytes = [.. Encoding.UTF8.GetBytes(string.Concat(tokens))];
        if (random.Next(6) == 0)
            ByteMutator.Wound(bytes, random);
        return [.. bytes];
    }

    private void Wound(List<string> tokens, Random random)
    {
        int at = random.Next(tokens.Count);
        int length = Math.Min(random.Next(1, 10), tokens.Count - at);
        string[] fragments = IsInside(tokens, at) ? Pieces : Statements;
        switch (random.Next(8))
        {
            case 0 or 1:
                tokens[at] = fragments[random.Next(fragments.Length)];
                break;
            case 2 or 3:
                tokens.Insert(at, fragments[random.Next(fragments.Length)]);
                break;
            case 4:
                tokens.RemoveRange(at, length);
                break;
            case 5:
                string[] other = _corpus[random.Next(_corpus.Length)];
                int from = random.Next(other.Length);
                tokens.InsertRange(at, other[from..Math.Min(other.Length, from + length)]);
                break;
            case 6:
                tokens[at] = tokens[random.Next(tokens.Count)];
                break;
            default:
                List<string> piece = tokens.GetRange(at, Math.Min(length, 4));
                int copies = random.Next(3) > 0 ? 1 : random.Next(MostRepeats);
                tokens.InsertRange(at, Enumerable.Repeat(piece, copies).SelectMany(part => part));
                break;
        }
    }

    private static bool IsInside(List<string> tokens, int at)
    {
        int open = tokens.FindLastIndex(at, token => token.StartsWith("{{", StringComparison.Ordinal) || token.StartsWith("{%", StringComparison.Ordinal));
        int close = tokens.FindLastIndex(at, token => token.EndsWith("}}", StringComparison.Ordinal) || token.EndsWith("%}", StringComparison.Ordinal));
        return open > close;
    }

    [GeneratedRegex(@"\{\{-?|-?\}\}|\{%-?|-?%\}|\{#-?|-?#\}|'(?:[^'\\\n]|\\.)*'|""(?:[^""\\\n]|\\.)*""|\w+|\s+|.", RegexOptions.Singleline)]
    private static partial Regex Tokens();
}
