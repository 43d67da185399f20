namespace MegaInfer.ExpertNodes.Pipeline;

/// <summary>One batch in numbers, for the metrics.</summary>
internal readonly record struct BatchRecord
{
    public required int Pieces { get; init; }

    public required int Rows { get; init; }

    public required int Pairs { get; init; }

    public required int ExpertGemms { get; init; }

    public required long ComputeNs { get; init; }

    public required long GatherNs { get; init; }

    public required long DispatchedBytes { get; init; }

    public required long ReturnedBytes { get; init; }
}
