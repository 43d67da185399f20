namespace MegaInfer.Engine.Model.Families;

/// <summary>A config field that may only say what the family's description takes for granted.</summary>
/// <param name="Name">A dot leads into an object.</param>
/// <param name="Values">JSON texts that it may have; an absent field always passes, and null does. The first stands in the error sentence. None: it must be absent.</param>
public sealed record FixedField(string Name, params IReadOnlyList<string> Values)
{
    /// <summary>Null says something else than an absent field, and does not pass.</summary>
    public bool RefusesNull { get; init; }

    /// <summary>The field is a list, and what is said holds for each of its elements.</summary>
    public bool IsList { get; init; }
}
