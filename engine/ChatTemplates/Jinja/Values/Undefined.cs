namespace MegaInfer.Engine.ChatTemplates.Jinja.Values;

/// <summary>What a name or attribute that does not exist evaluates to: prints as nothing, is false, and fails when used further.</summary>
/// <param name="name">The name that was looked for.</param>
internal sealed class Undefined(string name)
{
    public string Name { get; } = name;

    public override bool Equals(object? obj) => obj is Undefined;

    public override int GetHashCode() => 0;
}
