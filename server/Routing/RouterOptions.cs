namespace MegaInfer.Server.Routing;

/// <summary>The router's limits.</summary>
internal sealed record RouterOptions
{
    /// <summary>Sequences that may wait beyond those that nodes work on. Default 1,024.</summary>
    public int MaxQueue { get; init; } = 1024;

    /// <summary>Sequences in progress on one attention node at most.</summary>
    public required int MaxSequences { get; init; }

    /// <summary>Undelivered tokens of one sequence before its client is taken for gone. Default 8,192.</summary>
    public int StreamCapacity { get; init; } = 8192;

    /// <summary>How long sequences wait for an attention node when there is none. Default 60 s.</summary>
    public TimeSpan NoNodeTimeout { get; init; } = TimeSpan.FromSeconds(60);

    public required int VocabularySize { get; init; }

    public required IReadOnlyList<int> EosTokenIds { get; init; }
}
