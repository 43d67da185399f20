using System.Text;
using System.Text.RegularExpressions;

namespace MegaInfer.Engine.Tests.Fuzzing;

/// <summary>Damages chat templates so that they mostly stay templates: words and marks are swapped, moved, repeated and replaced. Deterministic by seed.</summary>
internal sealed partial class TemplateMutator(IReadOnlyList<string> corpus)
{
    private static readonly string[] Fragments =
    [
        "{{", "}}", "{%", "%}", "{%-", "-%}", "{{-", "-}}", "{#", "#}", " ", "\n", "{% if x %}", "{% else %}", "{% elif x %}", "{% endif %}", "{% for i in range(9) %}", " in ", "{% endfor %}", "{% set x = 1 %}",
        "{% set x %}", "{% endset %}", "{% macro m(a, b=1) %}", "{% endmacro %}", "{% call m() %}", "{% endcall %}", "m(x)", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "~", "+", "-", "*", "**", "/", "//", "%", "==",
        "!=", "<", ">=", "=", "'a'", "\"b\"", "'", "1", "0", "-1", "2.5", "99999999999", "1e308", "100000", "true", "none", "messages", "loop", "loop.index0", "namespace(a=1)", "range(100000)", "x", "x.y", " is ", " is not ",
        "defined", "string", "iterable", "| join", "| length", "| tojson", "| tojson(indent=4)", "| sort", "| reverse", "| map('upper')", "| select", "| list", "| first", "| default('x', true)", "| replace('a', 'bb')",
        "| indent(9)", "| trim", "| items", "| unique", "| batch(2)", "| int", "| float", "| round", "| string", "| center(1000)", " not ", " and ", " or ", "{% raw %}", "{% endraw %}", "{% break %}", "{% continue %}",
        "{% filter upper %}", "{% endfilter %}", "{% with a = 1 %}", "{% endwith %}", "{% generation %}", "{% endgeneration %}", "caller()", " recursive", "loop(x)", "\\", "é", "😀", "* 1000", "* 'ab'", "[::-1]", "[1:]",
        ".split('a')", ".items()", ".startswith('a')", "raise_exception('no')", "strftime_now('%Y')", "x + x", "x ~ x", "dict(a=x)", "'ab' * 100000", "[x] * 100000", "{% set n.a = n.a + n.a %}", "{{ m() }}",
    ];

    private const int MostRepeats = 2_000;

    private readonly string[][] _corpus = [.. corpus.Select(template => Tokens().Matches(template).Select(match => match.Value).ToArray())];

    public byte[] Make(int seed)
    {
        Random random = new(seed);
        List<string> tokens = [.. _corpus[random.Next(_corpus.Length)]];
        for (int wounds = random.Next(1, 8); wounds > 0 && tokens.Count > 0; wounds--)
            Wound(tokens, random);
        List<byte> bytes = [.. Encoding.UTF8.GetBytes(string.Concat(tokens))];
        if (random.Next(6) == 0)
            ByteMutator.Wound(bytes, random);
        return [.. bytes];
    }

    private void Wound(List<string> tokens, Random random)
    {
        int at = random.Next(tokens.Count);
        int length = Math.Min(random.Next(1, 30), tokens.Count - at);
        switch (random.Next(8))
        {
            case 0 or 1:
                tokens[at] = Fragments[random.Next(Fragments.Length)];
                break;
            case 2 or 3:
                tokens.Insert(at, Fragments[random.Next(Fragments.Length)]);
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

    [GeneratedRegex(@"\{\{-?|-?\}\}|\{%-?|-?%\}|\{#-?|-?#\}|'(?:[^'\\\n]|\\.)*'|""(?:[^""\\\n]|\\.)*""|\w+|\s+|.", RegexOptions.Singleline)]
    private static partial Regex Tokens();
}
