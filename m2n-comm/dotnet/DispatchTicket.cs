namespace MegaInfer.M2N;

/// <summary>What <see cref="M2NEndpoint.Dispatch"/> returns and <see cref="M2NEndpoint.Release"/> consumes. The default value is no ticket.</summary>
public readonly record struct DispatchTicket
{
    internal DispatchTicket(ulong value) => Value = value;

    public bool IsNone => Value == 0;

    internal ulong Value { get; }
}
