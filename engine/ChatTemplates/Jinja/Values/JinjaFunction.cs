namespace MegaInfer.Engine.ChatTemplates.Jinja.Values;

/// <summary>Something a template can call.</summary>
internal sealed class JinjaFunction(string name, Func<CallArguments, object?> body)
{
    public string Name { get; } = name;

    public object? Call(CallArguments arguments) => body(arguments);
}
