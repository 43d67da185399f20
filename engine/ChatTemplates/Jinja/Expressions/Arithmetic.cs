using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>Python's arithmetic on whole numbers of 64 bits and on floating-point numbers.</summary>
internal static class Arithmetic
{
    public static object Apply(string op, object? left, object? right)
    {
        if (!IsSmallNumber(left) || !IsSmallNumber(right))
        {
            throw new ChatTemplateException(
                $"The chat template applies '{op}' to a {PythonText.TypeName(left)} and a {PythonText.TypeName(right)}, which is not possible.");
        }

        if (left is double || right is double || op == "/")
            return OnDoubles(op, Truth.ToDouble(left), Truth.ToDouble(right));
        return OnWholes(op, ToLong(left), ToLong(right));
    }

    public static object Subtract(long left, long right) => OnWholes("-", left, right);

    public static object Repeat(object value, object? times, RenderBudget budget)
    {
        long count = Math.Max(0, ToLong(times));
        if (value is string text)
        {
            budget.ChargeText(count > RenderBudget.MaxChars ? long.MaxValue : count * text.Length);
            return string.Concat(Enumerable.Repeat(text, text.Length == 0 ? 0 : (int)count));
        }

        JinjaList list = (JinjaList)value;
        budget.ChargeText(count > RenderBudget.MaxChars ? long.MaxValue : count * list.Count * RenderBudget.CharsPerStep);
        return new JinjaList(Enumerable.Repeat(list, list.Count == 0 ? 0 : (int)count).SelectMany(items => items)) { IsTuple = list.IsTuple };
    }

    private static object OnWholes(string op, long a, long b)
    {
        try
        {
            checked
            {
                if (op == "**" && b < 0)
                    return OnDoubles(op, a, b);
                return op switch
                {
                    "+" => a + b,
                    "-" => a - b,
                    "*" => a * b,
                    "//" => FloorDivide(a, NotZero(b)),
                    "%" => a - FloorDivide(a, NotZero(b)) * b,
                    _ => Power(a, b),
                };
            }
        }
        catch (OverflowException failure)
        {
            throw new ChatTemplateException("The chat template computes a whole number of more than 64 bits.", failure);
        }
    }

    private static double OnDoubles(string op, double a, double b) => op switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / NotZero(b),
        "//" => Math.Floor(a / NotZero(b)),
        "%" => a - Math.Floor(a / NotZero(b)) * b,
        _ => Math.Pow(a, b),
    };

    private static long FloorDivide(long a, long b)
    {
        long quotient = checked(a / b);
        return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
    }

    private static long Power(long a, long b)
    {
        long result = 1;
        // Anything but -1, 0 and 1 leaves 64 bits within 63 steps.
        if (a is >= -1 and <= 1)
            return a == -1 ? (b % 2 == 0 ? 1 : -1) : b == 0 ? 1 : a;
        for (long i = 0; i < b; i++)
            result = checked(result * a);
        return result;
    }

    private static T NotZero<T>(T divisor)
        where T : System.Numerics.INumber<T> =>
        T.IsZero(divisor) ? throw new ChatTemplateException("The chat template divides by zero.") : divisor;

    private static bool IsSmallNumber(object? value) => value is long or double or bool;

    private static long ToLong(object? value) => value is bool flag ? (flag ? 1 : 0) : (long)value!;
}
