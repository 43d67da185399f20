using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja;

/// <summary>The variables that one stretch of a template sees: its own, then those around it.</summary>
internal sealed class Scope
{
    private readonly Scope? _outer;
    private readonly Dictionary<string, object?> _variables = [];

    public Scope(RenderBudget budget) => Budget = budget;

    public Scope(Scope outer)
    {
        _outer = outer;
        Budget = outer.Budget;
    }

    public RenderBudget Budget { get; }

    public void Set(string name, object? value) => _variables[name] = value;

    public object? Get(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope._outer)
        {
            if (scope._variables.TryGetValue(name, out object? value))
                return value;
        }

        return new Undefined(name);
    }
}
