namespace MegaInfer.Bench.M2n;

/// <summary>One thing to measure.</summary>
/// <param name="Engine">As in the rows.</param>
/// <param name="Program">Which of the native programs.</param>
/// <param name="Senders">M.</param>
/// <param name="Receivers">N.</param>
/// <param name="Bytes">Of one message.</param>
/// <param name="Wait">spin, yield, park or default.</param>
/// <param name="How">The program's own word for what it does.</param>
/// <param name="BetweenHosts">Senders and receivers are in two network namespaces.</param>
internal sealed record M2nCase(string Engine, string Program, int Senders, int Receivers, long Bytes, string Wait, string How, bool BetweenHosts = false)
{
    /// <summary>Ours only: the transport that the engine's name ends with.</summary>
    public string Transport => Engine[(Engine.LastIndexOf('-') + 1)..];

    public int Members => Senders + Receivers;

    public string Pattern => How.Contains("stream", StringComparison.Ordinal) ? "stream" : $"{Senders}x{Receivers}";
}
