using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Cluster;

/// <summary>
/// Every size that follows from the model and the step limits, derived once: both ends of each M2N pair, the KV pool and the kernels take theirs from here. Also
/// the arithmetic of the ping-pong pipeline.
/// </summary>
public sealed record PipelineShape
{
    /// <summary>Micro-batches in flight at most, whatever a step uses.</summary>
    public const int MaximumMicroBatches = 4;

    /// <summary>Positions in a KV block: MK_KV_BLOCK_TOKENS of the kernels.</summary>
    public const int KvBlockTokens = 16;

    /// <param name="spec">The model.</param>
    /// <param name="maxStepRows">Rows of a step at most: decode rows and prefill chunks together.</param>
    /// <param name="kvType">How keys and values are stored: Float32 or BFloat16.</param>
    public PipelineShape(ModelSpec spec, int maxStepRows, NumberType kvType)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxStepRows);
        MaxRows = maxStepRows;
        MaxPairs = checked(maxStepRows * spec.Router.ExpertsPerToken);
        MaxGroups = spec.Router.ExpertCount;
        RowBytes = checked(spec.HiddenSize * sizeof(float));
        ResultBytes = RowBytes;
        KvBytesPerTokenAndLayer = checked((long)spec.Attention.CachedWidth * kvType.Bytes());
        LayerCount = spec.LayerCount;
        ContextBlocks = BlocksFor(spec.ContextLength);
    }

    /// <summary>Slots of each M2N pair: micro-batches in flight + 1 being filled.</summary>
    public const int Slots = MaximumMicroBatches + 1;

    /// <summary>Rows in a slot: with one micro-batch a whole step.</summary>
    public int MaxRows { get; }

    /// <summary>Pairs of row and expert in a slot: one expert node may hold every expert.</summary>
    public int MaxPairs { get; }

    /// <summary>Experts that one message may name.</summary>
    public int MaxGroups { get; }

    /// <summary>A dispatched row, fp32.</summary>
    public int RowBytes { get; }

    /// <summary>An expert's result row, fp32 and unweighted, one for each pair.</summary>
    public int ResultBytes { get; }

    public int LayerCount { get; }

    /// <summary>Key and value of one token in one layer.</summary>
    public long KvBytesPerTokenAndLayer { get; }

    /// <summary>Key and value of one token in all layers.</summary>
    public long KvBytesPerToken => KvBytesPerTokenAndLayer * LayerCount;

    /// <summary>One block of one layer: what mk_kv_block_bytes says.</summary>
    public long KvBlockBytesPerLayer => KvBytesPerTokenAndLayer * KvBlockTokens;

    /// <summary>One block in all layers: what a block costs the pool.</summary>
    public long KvBlockBytes => KvBytesPerToken * KvBlockTokens;

    /// <summary>Blocks of a sequence that fills the context: the width of a block table.</summary>
    public int ContextBlocks { get; }

    /// <summary>Payload of one M2N pair's shared region.</summary>
    public long PairBytes => Slots * (((long)MaxRows * RowBytes) + ((long)MaxPairs * ResultBytes));

    /// <summary>Blocks that hold <paramref name="tokens"/> positions.</summary>
    public static int BlocksFor(int tokens) => (int)(((long)tokens + KvBlockTokens - 1) / KvBlockTokens);

    /// <summary>
    /// Step time and layer period with <paramref name="microBatches"/> in flight: T = max(P + Tf (m L - 1), L P + (m - 1) Tf), period = max(m Tf, P). The first
    /// branch is a filled pipeline, the second one that waits for its own round trips.
    /// </summary>
    public static PipelinePrediction Predict(StageTimes times, int microBatches, int layerCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(microBatches);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(layerCount);
        double slower = times.SlowerUs;
        double roundTrip = times.RoundTripUs;
        double filled = roundTrip + (slower * (((double)microBatches * layerCount) - 1));
        double unfilled = (layerCount * roundTrip) + ((microBatches - 1) * slower);
        return new PipelinePrediction(Math.Max(filled, unfilled), Math.Max(microBatches * slower, roundTrip));
    }

    /// <summary>The fewest micro-batches that keep the slower pool busy: the least m with m Tf >= Ta + Te + 2 Tc.</summary>
    public static int MicroBatchesToFill(StageTimes times) =>
        times.SlowerUs <= 0 ? 1 : Math.Max(1, (int)Math.Ceiling(times.RoundTripUs / times.SlowerUs));
}
