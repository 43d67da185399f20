using System.Numerics;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Values;

/// <summary>Truth, equality and order of values, as Python has them.</summary>
internal static class Truth
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        JinjaList list => list.Count > 0,
        JinjaDict dict => dict.Count > 0,
        _ => true,
    };

    public static bool AreEqual(object? left, object? right, RenderBudget budget)
    {
        budget.Charge(1);
        if (IsNumber(left) && IsNumber(right))
            return left is double || right is double ? ToDouble(left) == ToDouble(right) : ToBig(left) == ToBig(right);
        switch (left, right)
        {
            case (string a, string b):
                budget.Charge(a.Length / RenderBudget.CharsPerStep);
                return string.Equals(a, b, StringComparison.Ordinal);
            case (JinjaList a, JinjaList b):
                using (budget.Deeper())
                    return a.IsTuple == b.IsTuple && a.Count == b.Count && a.Zip(b).All(pair => AreEqual(pair.First, pair.Second, budget));
            case (JinjaDict a, JinjaDict b):
                using (budget.Deeper())
                {
                    return a.Count == b.Count
                        && a.Entries.All(entry => b.TryGet(entry.Key, out object? other) && AreEqual(entry.Value, other, budget));
                }

            default:
                return Equals(left, right);
        }
    }

    /// <summary>Negative, zero or positive.</summary>
    /// <exception cref="ChatTemplateException">The values have no order.</exception>
    public static int Compare(object? left, object? right, RenderBudget budget)
    {
        budget.Charge(1);
        if (IsNumber(left) && IsNumber(right))
            return left is double || right is double ? ToDouble(left).CompareTo(ToDouble(right)) : ToBig(left).CompareTo(ToBig(right));
        if (left is string a && right is string b)
        {
            budget.Charge(Math.Min(a.Length, b.Length) / RenderBudget.CharsPerStep);
            return CodePoints.Compare(a, b);
        }

        if (left is JinjaList listA && right is JinjaList listB)
        {
            using (budget.Deeper())
            {
                for (int i = 0; i < Math.Min(listA.Count, listB.Count); i++)
                {
                    if (!AreEqual(listA[i], listB[i], budget))
                        return Compare(listA[i], listB[i], budget);
                }
            }

            return listA.Count.CompareTo(listB.Count);
        }

        throw new ChatTemplateException(
            $"The chat template compares a {PythonText.TypeName(left)} with a {PythonText.TypeName(right)}, which have no order.");
    }

    /// <summary>Numbers in Python's sense: booleans count.</summary>
    public static bool IsNumber(object? value) => value is long or double or bool or BigInteger;

    public static double ToDouble(object? value) => value switch
    {
        bool flag => flag ? 1 : 0,
        long number => number,
        BigInteger number => (double)number,
        _ => (double)value!,
    };

    private static BigInteger ToBig(object? value) => value switch
    {
        bool flag => flag ? 1 : 0,
        long number => number,
        _ => (BigInteger)value!,
    };
}
