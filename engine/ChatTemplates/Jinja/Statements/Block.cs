namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>Statements one after the other.</summary>
internal sealed class Block(IReadOnlyList<Statement> statements) : Statement
{
    public static readonly Block Empty = new([]);

    public override Flow Run(Scope scope, TemplateOutput output)
    {
        using RenderBudget.Level level = scope.Budget.Deeper();
        foreach (Statement statement in statements)
        {
            scope.Budget.Charge(1);
            Flow flow = statement.Run(scope, output);
            if (flow != Flow.Next)
                return flow;
        }

        return Flow.Next;
    }

    /// <summary>Runs into a text of its own.</summary>
    public string Capture(Scope scope)
    {
        TemplateOutput output = new(scope.Budget);
        Run(scope, output);
        return output.ToString();
    }
}
