namespace MegaInfer.Engine.ChatTemplates.Jinja.Values;

/// <summary>The arguments of a call, filter or test.</summary>
internal sealed class CallArguments
{
    public static readonly CallArguments None = new();

    public List<object?> Positional { get; } = [];

    public Dictionary<string, object?> Keywords { get; } = [];

    /// <summary>The argument at this place or of this name, or the default.</summary>
    public object? Get(int index, string name, object? otherwise)
    {
        if (index < Positional.Count)
            return Positional[index];
        return Keywords.TryGetValue(name, out object? value) ? value : otherwise;
    }

    public object? Require(int index, string name, string function)
    {
        if (index < Positional.Count || Keywords.ContainsKey(name))
            return Get(index, name, null);
        throw new ChatTemplateException($"The chat template calls {function} without its argument '{name}'.");
    }

    public string Text(int index, string name, string function) => Require(index, name, function) switch
    {
        string text => text,
        var other => throw new ChatTemplateException(
            $"The chat template gives {function} a {PythonText.TypeName(other)} where '{name}' must be a string."),
    };

    public long Number(int index, string name, long otherwise, string function) => Get(index, name, otherwise) switch
    {
        long number => number,
        bool flag => flag ? 1 : 0,
        var other => throw new ChatTemplateException(
            $"The chat template gives {function} a {PythonText.TypeName(other)} where '{name}' must be a whole number."),
    };

    public bool Flag(int index, string name, bool otherwise = false) => Truth.IsTrue(Get(index, name, otherwise));
}
