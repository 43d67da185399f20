namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>A variable or built-in function by its name.</summary>
internal sealed class NameExpression(string name) : Expression
{
    public string Name { get; } = name;

    protected override object? Compute(Scope scope) => scope.Get(Name);
}
