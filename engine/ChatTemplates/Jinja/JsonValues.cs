using System.Globalization;
using System.Numerics;
using System.Text.Json;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja;

/// <summary>JSON as values of a template, as Python's json.loads would make them.</summary>
internal static class JsonValues
{
    private const int MaxDigits = 4000;

    public static object? From(JsonElement json, RenderBudget budget)
    {
        budget.Charge(1);
        switch (json.ValueKind)
        {
            case JsonValueKind.Undefined or JsonValueKind.Null:
                return null;
            case JsonValueKind.True:
                return true;
            case JsonValueKind.False:
                return false;
            case JsonValueKind.String:
                return Text(json);
            case JsonValueKind.Number:
                return Number(json);
            case JsonValueKind.Array:
                using (budget.Deeper())
                {
                    JinjaList list = [];
                    foreach (JsonElement item in json.EnumerateArray())
                        list.Add(From(item, budget));
                    return list;
                }

            default:
                using (budget.Deeper())
                {
                    JinjaDict dict = new();
                    foreach (JsonProperty property in json.EnumerateObject())
                        dict.Set(property.Name, From(property.Value, budget));
                    return dict;
                }
        }
    }

    private static string Text(JsonElement json)
    {
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException failure)
        {
            throw new ChatTemplateException("A string of the conversation has an escape that is half of a surrogate pair.", failure);
        }
    }

    private static object Number(JsonElement json)
    {
        if (json.TryGetInt64(out long whole))
            return whole;
        string text = json.GetRawText();
        if (text.AsSpan().IndexOfAny('.', 'e', 'E') < 0 && text.Length < MaxDigits)
            return BigInteger.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return json.TryGetDouble(out double real) ? real : double.PositiveInfinity;
    }
}
