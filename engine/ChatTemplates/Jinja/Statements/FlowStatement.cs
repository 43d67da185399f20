namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>{% break %}, {% continue %}</summary>
internal sealed class FlowStatement(Flow flow) : Statement
{
    public override Flow Run(Scope scope, TemplateOutput output) => flow;
}
