namespace MegaInfer.Engine.ChatTemplates.Jinja.Values;

/// <summary>namespace(...): the one thing whose attributes a template may set, so that loops can hand values out.</summary>
internal sealed class JinjaNamespace
{
    public Dictionary<string, object?> Attributes { get; } = [];
}
