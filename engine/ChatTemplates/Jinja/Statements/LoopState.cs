using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>The variable "loop".</summary>
/// <param name="items">All items of the loop.</param>
/// <param name="depth">1 for the outermost level of a recursive loop.</param>
/// <param name="recurse">Runs the loop over other items and returns what it wrote; null if the loop is not recursive.</param>
internal sealed class LoopState(IReadOnlyList<object?> items, int depth, Func<object?, string>? recurse)
{
    private JinjaList? _lastChanged;

    /// <summary>From 0.</summary>
    public int Index { get; set; }

    public static bool HasAttribute(string name) => name is "index" or "index0" or "revindex" or "revindex0" or "first" or "last" or "length"
        or "previtem" or "nextitem" or "depth" or "depth0" or "cycle" or "changed";

    public object? Attribute(string name, RenderBudget budget) => name switch
    {
        "index" => Index + 1L,
        "index0" => (long)Index,
        "revindex" => (long)(items.Count - Index),
        "revindex0" => items.Count - Index - 1L,
        "first" => Index == 0,
        "last" => Index == items.Count - 1,
        "length" => (long)items.Count,
        "previtem" => Index > 0 ? items[Index - 1] : new Undefined("loop.previtem"),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : new Undefined("loop.nextitem"),
        "depth" => (long)depth,
        "depth0" => depth - 1L,
        "cycle" => new JinjaFunction("loop.cycle", Cycle),
        "changed" => new JinjaFunction("loop.changed", arguments => HasChanged(arguments, budget)),
        _ => null,
    };

    /// <summary>loop(items) in a recursive loop.</summary>
    public object Recurse(CallArguments arguments)
    {
        if (recurse is null)
            throw new ChatTemplateException("The chat template calls 'loop' in a loop that is not marked recursive.");
        return recurse(arguments.Require(0, "iterable", "loop"));
    }

    private object? Cycle(CallArguments arguments) => arguments.Positional.Count == 0
        ? throw new ChatTemplateException("The chat template calls loop.cycle without arguments.")
        : arguments.Positional[Index % arguments.Positional.Count];

    private bool HasChanged(CallArguments arguments, RenderBudget budget)
    {
        JinjaList now = new(arguments.Positional);
        bool changed = _lastChanged is null || !Truth.AreEqual(_lastChanged, now, budget);
        _lastChanged = now;
        return changed;
    }
}
