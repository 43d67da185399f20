using MegaInfer.Engine.Model;

namespace MegaInfer.Golden;

/// <summary>One way to serve the same requests. Every field is a factor that must not change a bit of what they get.</summary>
public sealed record Deployment
{
    // Latent attention with router groups, shared experts and a dense layer, in bf16 and in FP8; windows, sinks, biases and 4-bit experts.
    private static readonly string[] FamilyLevels = ["qwen3_moe", "mixtral", "deepseek_v2", "deepseek_v3", "gpt_oss"];
    private static readonly NumberType[] KvLevels = [NumberType.BFloat16, NumberType.Float32];
    private static readonly string[] TransportLevels = ["loopback", "shm"];
    private static readonly int[] ChunkLevels = [1, 7, 16, 256];
    private static readonly string[] BackendLevels = ["auto", "avx2", "reference"];

    /// <summary>How many levels each factor has, in the order of <see cref="From"/>.</summary>
    public static IReadOnlyList<int> Levels { get; } = [5, 2, 2, 3, 4, 2, 2, 4, 3, 2, 2, 3];

    public required string Family { get; init; }

    public required NumberType KvType { get; init; }

    public required int AttentionNodes { get; init; }

    public required int ExpertNodes { get; init; }

    public required int MicroBatches { get; init; }

    public required string Transport { get; init; }

    /// <summary>The probes run among 16 other requests, not one at a time.</summary>
    public required bool IsInMixedBatch { get; init; }

    /// <summary>Prompt rows of one sequence in one step at most.</summary>
    public required int ChunkRows { get; init; }

    public required int Threads { get; init; }

    /// <summary>The probes run a second time and find their prompts in the prefix cache.</summary>
    public required bool HitsPrefixCache { get; init; }

    /// <summary>So few KV blocks that sequences are preempted.</summary>
    public required bool IsPreempted { get; init; }

    /// <summary>Backend of the kernels on every node.</summary>
    public required string Backend { get; init; }

    /// <summary>What weights are packed as; null: as stored. The reference's are the same.</summary>
    public NumberType? WeightType { get; init; }

    /// <summary>
    /// The full product of what an operator can vary; model, KV type and backend take turns over it, so that the long form ends within the hour.
    /// </summary>
    public static IEnumerable<int[]> FullProduct()
    {
        int[] levels = [.. Levels.Select((count, factor) => factor is 0 or 1 or 11 ? 1 : count)];
        int turn = 0;
        foreach (int[] row in PairwiseCover.Product(levels, IsAllowed))
        {
            (row[0], row[1], row[11]) = (turn % Levels[0], turn / Levels[0] % Levels[1], turn / (Levels[0] * Levels[1]) % Levels[11]);
            turn++;
            if (!IsAllowed(row))
                row[11] = 0;
            yield return row;
        }
    }

    public static Deployment From(int[] row) => new()
    {
        Family = FamilyLevels[row[0]],
        KvType = KvLevels[row[1]],
        AttentionNodes = 1 + row[2],
        ExpertNodes = 1 + row[3],
        MicroBatches = 1 + row[4],
        Transport = TransportLevels[row[5]],
        IsInMixedBatch = row[6] == 1,
        ChunkRows = ChunkLevels[row[7]],
        Threads = 1 + row[8],
        HitsPrefixCache = row[9] == 1,
        IsPreempted = row[10] == 1,
        Backend = BackendLevels[row[11]],
    };

    /// <summary>Blocks run out only in a mixed batch, and then no prefix stays cached. The plain kernels take their time over the larger models.</summary>
    public static bool IsAllowed(int[] row)
    {
        Deployment deployment = From(row);
        bool isSlow = deployment is { Backend: "reference", Family: "deepseek_v3" or "gpt_oss" };
        if (isSlow && (deployment.IsInMixedBatch || deployment.HitsPrefixCache))
            return false;
        return !deployment.IsPreempted || (deployment.IsInMixedBatch && !deployment.HitsPrefixCache);
    }

    public override string ToString() =>
        $"{Family} kv={KvType} {AttentionNodes}A{ExpertNodes}E m={MicroBatches} {Transport} {(IsInMixedBatch ? "mixed" : "alone")} chunk={ChunkRows} "
        + $"threads={Threads}{(HitsPrefixCache ? " prefix" : "")}{(IsPreempted ? " preempted" : "")} {Backend}";
}
