using System.Globalization;
using System.Numerics;
using System.Text;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Values;

/// <summary>str() and repr() of values, letter for letter as Python prints them: models were trained on that text.</summary>
internal static class PythonText
{
    public static string TypeName(object? value) => value switch
    {
        null => "none",
        Undefined undefined => $"undefined value ('{undefined.Name}')",
        bool => "boolean",
        long or BigInteger => "whole number",
        double => "number",
        string => "string",
        JinjaList { IsTuple: true } => "tuple",
        JinjaList => "list",
        JinjaDict => "dictionary",
        JinjaNamespace => "namespace",
        _ => "function",
    };

    public static string Str(object? value, RenderBudget budget)
    {
        if (value is string text)
            return text;
        StringBuilder output = new();
        if (value is not Undefined)
            WriteRepr(output, value, budget);
        return output.ToString();
    }

    public static string Number(double value)
    {
        if (double.IsNaN(value))
            return "nan";
        if (double.IsInfinity(value))
            return value > 0 ? "inf" : "-inf";
        double size = Math.Abs(value);
        if (size != 0 && (size >= 1e16 || size < 1e-4))
        {
            string text = value.ToString("E16", CultureInfo.InvariantCulture);
            string shortest = value.ToString("R", CultureInfo.InvariantCulture);
            int exponent = int.Parse(text.AsSpan(text.IndexOf('E', StringComparison.Ordinal) + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            string digits = new([.. shortest.Split('E')[0].Where(char.IsAsciiDigit)]);
            digits = digits.TrimStart('0').TrimEnd('0');
            string mantissa = digits.Length > 1 ? $"{digits[0]}.{digits[1..]}" : digits;
            return $"{(value < 0 ? "-" : "")}{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        string plain = value.ToString("R", CultureInfo.InvariantCulture);
        if (plain.Contains('E', StringComparison.Ordinal))
            plain = value.ToString("F0", CultureInfo.InvariantCulture);
        return plain.Contains('.', StringComparison.Ordinal) ? plain : plain + ".0";
    }

    private static void WriteRepr(StringBuilder output, object? value, RenderBudget budget)
    {
        budget.Charge(1);
        switch (value)
        {
            case null:
                output.Append("None");
                break;
            case Undefined:
                output.Append("Undefined");
                break;
            case bool flag:
                output.Append(flag ? "True" : "False");
                break;
            case long or BigInteger:
                output.Append(CultureInfo.InvariantCulture, $"{value}");
                break;
            case double number:
                output.Append(Number(number));
                break;
            case string text:
                WriteQuoted(output, text, budget);
                break;
            case JinjaList list:
                WriteList(output, list, budget);
                break;
            case JinjaDict dict:
                WriteDict(output, dict, budget);
                break;
            default:
                output.Append('<').Append(TypeName(value)).Append('>');
                break;
        }
    }

    private static void WriteList(StringBuilder output, JinjaList list, RenderBudget budget)
    {
        using RenderBudget.Level level = budget.Deeper();
        output.Append(list.IsTuple ? '(' : '[');
        for (int i = 0; i < list.Count; i++)
        {
            if (i > 0)
                output.Append(", ");
            WriteRepr(output, list[i], budget);
        }

        if (list is { IsTuple: true, Count: 1 })
            output.Append(',');
        output.Append(list.IsTuple ? ')' : ']');
    }

    private static void WriteDict(StringBuilder output, JinjaDict dict, RenderBudget budget)
    {
        using RenderBudget.Level level = budget.Deeper();
        output.Append('{');
        bool first = true;
        foreach ((object? key, object? value) in dict.Entries)
        {
            if (!first)
                output.Append(", ");
            first = false;
            WriteRepr(output, key, budget);
            output.Append(": ");
            WriteRepr(output, value, budget);
        }

        output.Append('}');
    }

    private static void WriteQuoted(StringBuilder output, string text, RenderBudget budget)
    {
        budget.ChargeText(text.Length);
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        output.Append(quote);
        foreach (char c in text)
        {
            switch (c)
            {
                case '\n':
                    output.Append("\\n");
                    break;
                case '\r':
                    output.Append("\\r");
                    break;
                case '\t':
                    output.Append("\\t");
                    break;
                case '\\':
                    output.Append("\\\\");
                    break;
                case < ' ' or '\x7f':
                    output.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
                    break;
                default:
                    if (c == quote)
                        output.Append('\\');
                    output.Append(c);
                    break;
            }
        }

        output.Append(quote);
    }
}
