namespace MegaInfer.Bench.PingPong;

/// <summary>One number of micro-batches, measured. In JSON the names are in snake_case.</summary>
internal sealed record PingPongRow
{
    /// <summary><c>fixed-rows</c>: each micro-batch has the same rows, so more of them make a larger batch. <c>fixed-total</c>: one batch, cut finer.</summary>
    public required string Mode { get; init; }

    public required int MicroBatches { get; init; }

    public required int RowsPerMicroBatch { get; init; }

    public required double TokensPerS { get; init; }

    /// <summary>Attention of one micro-batch in one layer.</summary>
    public required double TaUs { get; init; }

    /// <summary>Experts of one micro-batch in one layer.</summary>
    public required double TeUs { get; init; }

    /// <summary>One way between the pools, as seen with one micro-batch of so many rows in flight.</summary>
    public required double TcUs { get; init; }

    /// <summary>Batch / (layers x max(m Tf, Ta + Te + 2 Tc)).</summary>
    public required double PredictedTokensPerS { get; init; }

    /// <summary>Measured over predicted.</summary>
    public required double PredictionRatio { get; init; }

    /// <summary>Over one micro-batch in the same mode.</summary>
    public required double Speedup { get; init; }

    /// <summary>Part of the time in which the attention pool did not compute.</summary>
    public required double AttentionIdleShare { get; init; }

    /// <summary>Part of the time in which the expert pool did not compute.</summary>
    public required double ExpertIdleShare { get; init; }

    /// <summary>Of a step: output head, sampling and scheduling, which the prediction leaves out.</summary>
    public required double OutsideUs { get; init; }
}
