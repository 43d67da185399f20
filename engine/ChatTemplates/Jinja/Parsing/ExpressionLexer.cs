using System.Globalization;
using System.Numerics;
using System.Text;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Parsing;

/// <summary>The tokens inside tags: names, numbers, strings, operators.</summary>
internal static class ExpressionLexer
{
    private const int MaxDigits = 100;

    private static readonly string[] Operators =
    [
        "**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ":", ",", "|", ";",
    ];

    /// <summary>The token at this position, which is moved behind it.</summary>
    public static Token Next(string source, ref int at, int line)
    {
        char c = source[at];
        if (char.IsLetter(c) || c == '_')
        {
            int start = at;
            while (at < source.Length && (char.IsLetterOrDigit(source[at]) || source[at] == '_'))
                at++;
            return new Token(TokenKind.Name, source[start..at], line);
        }

        if (char.IsAsciiDigit(c))
            return Number(source, ref at, line);
        if (c is '\'' or '"')
            return Quoted(source, ref at, line);
        foreach (string op in Operators)
        {
            if (string.CompareOrdinal(source, at, op, 0, op.Length) == 0)
            {
                at += op.Length;
                return new Token(TokenKind.Operator, op, line);
            }
        }

        throw new ChatTemplateException($"The chat template has the character '{c}' where it has no meaning (line {line}).");
    }

    private static Token Number(string source, ref int at, int line)
    {
        int start = at;
        bool isReal = false;
        Digits(source, ref at);
        if (at + 1 < source.Length && source[at] == '.' && char.IsAsciiDigit(source[at + 1]))
        {
            isReal = true;
            at++;
            Digits(source, ref at);
        }

        int exponent = at + 1;
        if (at < source.Length && source[at] is 'e' or 'E')
        {
            if (exponent < source.Length && source[exponent] is '+' or '-')
                exponent++;
            if (exponent < source.Length && char.IsAsciiDigit(source[exponent]))
            {
                isReal = true;
                at = exponent;
                Digits(source, ref at);
            }
        }

        string text = source[start..at].Replace("_", "", StringComparison.Ordinal);
        if (text.Length > MaxDigits)
            throw new ChatTemplateException($"The chat template has a number of more than {MaxDigits} digits (line {line}).");
        // Boxed one by one: a conditional over them would turn every number into the widest kind.
        object value;
        if (isReal)
            value = double.Parse(text, CultureInfo.InvariantCulture);
        else if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long small))
            value = small;
        else
            value = BigInteger.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
        return new Token(TokenKind.Number, text, line, value);
    }

    private static void Digits(string source, ref int at)
    {
        while (at < source.Length && (char.IsAsciiDigit(source[at]) || (source[at] == '_' && at + 1 < source.Length && char.IsAsciiDigit(source[at + 1]))))
            at++;
    }

    private static Token Quoted(string source, ref int at, int line)
    {
        char quote = source[at++];
        StringBuilder text = new();
        while (at < source.Length && source[at] != quote)
        {
            if (source[at] == '\\' && at + 1 < source.Length)
                Escape(source, ref at, text);
            else
                text.Append(source[at++]);
        }

        if (at >= source.Length)
            throw new ChatTemplateException($"The chat template has a string that never ends (line {line}).");
        at++;
        return new Token(TokenKind.String, text.ToString(), line);
    }

    // Python's escapes; an unknown one stays as it is, backslash and all.
    private static void Escape(string source, ref int at, StringBuilder text)
    {
        char kind = source[at + 1];
        at += 2;
        int digits = kind switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            if (at + digits > source.Length
                || !int.TryParse(source.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value)
                || value is < 0 or > 0x10FFFF)
            {
                throw new ChatTemplateException($"The chat template has the malformed escape '\\{kind}' in a string.");
            }

            at += digits;
            text.Append(value > 0xFFFF ? char.ConvertFromUtf32(value) : ((char)value).ToString());
            return;
        }

        switch (kind)
        {
            case 'n':
                text.Append('\n');
                break;
            case 'r':
                text.Append('\r');
                break;
            case 't':
                text.Append('\t');
                break;
            case 'b':
                text.Append('\b');
                break;
            case 'f':
                text.Append('\f');
                break;
            case 'v':
                text.Append('\v');
                break;
            case 'a':
                text.Append('\a');
                break;
            case '0':
                text.Append('\0');
                break;
            case '\n':
                break;
            case '\\' or '\'' or '"':
                text.Append(kind);
                break;
            default:
                text.Append('\\').Append(kind);
                break;
        }
    }
}
