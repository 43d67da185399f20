namespace MegaInfer.Bench.Decode;

/// <summary>One batch size, measured. In JSON the names are in snake_case.</summary>
internal sealed record DecodeRow
{
    public string Engine { get; } = "megainfer";

    public string Work { get; } = "decode";

    public required string Model { get; init; }

    public required string Dtype { get; init; }

    public required int Batch { get; init; }

    public required double TokensPerS { get; init; }

    public required double FloorTokensPerS { get; init; }

    /// <summary>Measured over floor, at most 1.</summary>
    public required double Ratio { get; init; }

    public required double StepMs { get; init; }

    public required double MemoryFloorMs { get; init; }

    public required double ComputeFloorMs { get; init; }

    public required double MbPerStep { get; init; }

    public required double GflopPerStep { get; init; }

    /// <summary>Distinct experts in each layer of a step that the floor counts.</summary>
    public required double ExpertsTouchedPerLayer { get; init; }

    /// <summary>Readings of an expert in each layer of a step that happened.</summary>
    public required double ExpertReadsPerLayer { get; init; }

    public required double RowsPerExpertGemm { get; init; }

    public required int PromptLen { get; init; }

    public required int GenLen { get; init; }

    public required int AttentionNodes { get; init; }

    public required int ExpertNodes { get; init; }

    /// <summary>0: chosen by measured speed.</summary>
    public required int MicroBatches { get; init; }

    /// <summary>Of each node.</summary>
    public required int Threads { get; init; }

    public required string Backend { get; init; }

    public required double TaUs { get; init; }

    public required double TeUs { get; init; }
}
