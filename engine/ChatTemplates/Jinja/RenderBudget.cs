using System.Runtime.CompilerServices;

namespace MegaInfer.Engine.ChatTemplates.Jinja;

/// <summary>
/// What one rendering may spend. Templates come from outside: whatever they contain, rendering ends soon, in bounded memory
/// and without overflowing the stack.
/// </summary>
internal sealed class RenderBudget
{
    /// <summary>Longest string, and longest output, in UTF-16 units.</summary>
    public const int MaxChars = 1 << 25;

    /// <summary>Text this long costs as much as one evaluated node.</summary>
    public const int CharsPerStep = 16;

    private const long MaxSteps = 4_000_000;
    private const int MaxDepth = 1000;

    private long _steps = MaxSteps;
    private int _depth;

    /// <exception cref="ChatTemplateException">The budget is spent.</exception>
    public void Charge(long steps)
    {
        _steps -= steps;
        if (_steps < 0)
            throw new ChatTemplateException("The chat template takes too many steps on this conversation; shorten the conversation or mend the template.");
    }

    /// <summary>Charges for a string of this length that is about to be made.</summary>
    public void ChargeText(long chars)
    {
        if (chars > MaxChars)
            throw new ChatTemplateException($"The chat template makes a text of more than {MaxChars} characters; shorten the conversation or mend the template.");
        Charge(1 + chars / CharsPerStep);
    }

    /// <summary>Enters one more level of nesting until the result is disposed.</summary>
    public Level Deeper()
    {
        if (_depth >= MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new ChatTemplateException("The chat template nests too deeply; mend the template.");
        _depth++;
        return new Level(this);
    }

    /// <summary>A level of nesting that is left when this is disposed.</summary>
    public readonly struct Level(RenderBudget owner) : IDisposable
    {
        public void Dispose() => owner._depth--;
    }
}
