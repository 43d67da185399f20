using System.Globalization;
using System.Numerics;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>Filters that make or change numbers.</summary>
internal static class NumberFilters
{
    // Digits are also what limits the size of a whole number made from text.
    private const int MaxDigits = 1000;

    public static void AddTo(Dictionary<string, Filter> filters)
    {
        filters["int"] = ToInt;
        filters["float"] = ToFloat;
        filters["abs"] = (value, _, _) => value switch
        {
            long number => number < 0 ? Expressions.Arithmetic.Subtract(0, number) : number,
            double number => Math.Abs(number),
            bool flag => flag ? 1L : 0L,
            _ => throw new ChatTemplateException($"The chat template asks for the absolute value of a {PythonText.TypeName(value)}."),
        };
        filters["round"] = (value, arguments, _) => Round(value, arguments);
    }

    private static object? ToInt(object? value, CallArguments arguments, RenderBudget budget)
    {
        object? otherwise = arguments.Get(0, "default", 0L);
        switch (value)
        {
            case long or BigInteger:
                return value;
            case bool flag:
                return flag ? 1L : 0L;
            case double number:
                return Math.Abs(number) < long.MaxValue ? (long)number : otherwise;
            case string text when text.Length <= MaxDigits:
                if (long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole))
                    return whole;
                return double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double real) && Math.Abs(real) < long.MaxValue
                    ? (long)real
                    : otherwise;
            default:
                return otherwise;
        }
    }

    private static object? ToFloat(object? value, CallArguments arguments, RenderBudget budget)
    {
        if (Truth.IsNumber(value))
            return Truth.ToDouble(value);
        return value is string text && double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number
            : arguments.Get(0, "default", 0.0);
    }

    private static double Round(object? value, CallArguments arguments)
    {
        if (!Truth.IsNumber(value))
            throw new ChatTemplateException($"The chat template rounds a {PythonText.TypeName(value)}.");
        double factor = Math.Pow(10, Math.Clamp(arguments.Number(0, "precision", 0, "round"), -300, 300));
        double scaled = Truth.ToDouble(value) * factor;
        return arguments.Get(1, "method", "common") switch
        {
            "ceil" => Math.Ceiling(scaled) / factor,
            "floor" => Math.Floor(scaled) / factor,
            _ => Math.Round(scaled, MidpointRounding.ToEven) / factor,
        };
    }
}
