namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>A number, string, boolean or none.</summary>
internal sealed class LiteralExpression(object? value) : Expression
{
    public object? Value { get; } = value;

    protected override object? Compute(Scope scope) => Value;
}
