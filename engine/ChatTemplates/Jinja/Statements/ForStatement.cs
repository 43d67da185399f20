using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>{% for a in b if c %} ... {% else %} ... {% endfor %}</summary>
internal sealed class ForStatement(Target target, Expression iterable, Expression? filter, Block body, Block otherwise, bool isRecursive) : Statement
{
    // A turn of a loop makes a scope, which takes as long as evaluating a few nodes.
    private const int IterationSteps = 4;

    public override Flow Run(Scope scope, TemplateOutput output)
    {
        Loop(scope, iterable.Evaluate(scope), output, depth: 1);
        return Flow.Next;
    }

    private void Loop(Scope scope, object? value, TemplateOutput output, int depth)
    {
        JinjaList items = Iteration.Items(value, scope.Budget);
        if (filter is not null)
            items = new JinjaList(items.Where(item => Passes(scope, item)));
        if (items.Count == 0)
        {
            otherwise.Run(new Scope(scope), output);
            return;
        }

        LoopState loop = new(items, depth, isRecursive ? nested => Capture(scope, nested, depth + 1) : null);
        for (; loop.Index < items.Count; loop.Index++)
        {
            scope.Budget.Charge(IterationSteps);
            Scope inner = new(scope);
            inner.Set("loop", loop);
            target.Assign(inner, items[loop.Index]);
            if (body.Run(inner, output) == Flow.Break)
                break;
        }
    }

    private bool Passes(Scope scope, object? item)
    {
        Scope inner = new(scope);
        target.Assign(inner, item);
        return Truth.IsTrue(filter!.Evaluate(inner));
    }

    private string Capture(Scope scope, object? value, int depth)
    {
        using RenderBudget.Level level = scope.Budget.Deeper();
        TemplateOutput output = new(scope.Budget);
        Loop(scope, value, output, depth);
        return output.ToString();
    }
}
