using System.Reflection;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>A spec with each of its properties changed in turn, through all the records it is made of.</summary>
internal static class SpecChanges
{
    public static IEnumerable<(string Property, object Spec)> Of(object record)
    {
        foreach (PropertyInfo property in record.GetType().GetProperties().Where(property => property.CanWrite && property.GetIndexParameters().Length == 0))
        {
            object? value = property.GetValue(record);
            foreach ((string inner, object other) in Others(property, value))
            {
                object copy = record.GetType().GetMethod("<Clone>$")!.Invoke(record, null)!;
                property.SetValue(copy, other);
                yield return ($"{record.GetType().Name}.{property.Name}{inner}", copy);
            }
        }
    }

    private static IEnumerable<(string Inner, object Value)> Others(PropertyInfo property, object? value) => value switch
    {
        null => [],
        int number => [("", number + 1)],
        float number => [("", number + 0.25f)],
        bool flag => [("", !flag)],
        string text => [("", text + "x")],
        Enum kind => [("", Enum.ToObject(kind.GetType(), Convert.ToInt32(kind) == 0 ? 1 : 0))],
        IReadOnlyList<LayerSpec> layers => [(" one more", layers.Append(default).ToArray()), (" a window", layers.Select((layer, i) => i == 1 ? layer with { Window = 77 } : layer).ToArray())],
        IReadOnlyList<int> numbers => [("", numbers.Append(9).ToArray())],
        _ when property.PropertyType.Namespace == typeof(ModelSpec).Namespace => Of(value).Select(change => ("." + change.Property, change.Spec)),
        _ => throw new NotSupportedException($"{property.Name} is a {value.GetType()}."),
    };
}
