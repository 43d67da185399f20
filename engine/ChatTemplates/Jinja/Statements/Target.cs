using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>What is assigned to: a name, an attribute of a namespace, or several of them.</summary>
internal abstract class Target
{
    public abstract void Assign(Scope scope, object? value);

    internal sealed class Name(string name) : Target
    {
        public override void Assign(Scope scope, object? value) => scope.Set(name, value);
    }

    internal sealed class NamespaceAttribute(string owner, string attribute) : Target
    {
        public override void Assign(Scope scope, object? value)
        {
            if (scope.Get(owner) is not JinjaNamespace space)
                throw new ChatTemplateException($"The chat template sets '{owner}.{attribute}', but '{owner}' is not a namespace.");
            space.Attributes[attribute] = value;
        }
    }

    internal sealed class Tuple(IReadOnlyList<Target> targets) : Target
    {
        public override void Assign(Scope scope, object? value)
        {
            JinjaList items = Iteration.Items(value, scope.Budget);
            if (items.Count != targets.Count)
                throw new ChatTemplateException($"The chat template unpacks {items.Count} values into {targets.Count} names.");
            for (int i = 0; i < targets.Count; i++)
                targets[i].Assign(scope, items[i]);
        }
    }
}
