namespace MegaInfer.Engine.ChatTemplates.Jinja.Values;

/// <summary>A list or tuple of a template.</summary>
internal sealed class JinjaList : List<object?>
{
    public JinjaList()
    {
    }

    public JinjaList(IEnumerable<object?> items)
        : base(items)
    {
    }

    /// <summary>Printed with round brackets.</summary>
    public bool IsTuple { get; init; }

    public static JinjaList Tuple(params object?[] items) => new(items) { IsTuple = true };
}
