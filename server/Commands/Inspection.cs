using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Moe;

namespace MegaInfer.Server.Commands;

/// <summary>Everything that <c>inspect</c> says of a model, as numbers.</summary>
/// <param name="Name">The name that clients use.</param>
/// <param name="Folder">Full path.</param>
/// <param name="Spec">What config.json says.</param>
/// <param name="Nodes">The pool that memory is stated for.</param>
internal sealed record Inspection(string Name, string Folder, ModelSpec Spec, Inspection.Pool Nodes)
{
    /// <summary>Null where only config.json is there.</summary>
    public Weights? Found { get; init; }

    public ParameterCounts Parameters { get; } = ParameterCounts.Of(Spec);

    /// <summary>As the files have them, or as config.json says.</summary>
    public WeightSizes Stored => Found?.Sizes ?? WeightSizes.Stored(Spec);

    public long KvBytesPerToken { get; } = new PipelineShape(Spec, maxStepRows: 1, Nodes.KvType).KvBytesPerToken;

    /// <summary>Bytes of the KV cache of one sequence that fills the context.</summary>
    public long KvBytesOfContext => KvBytesPerToken * Spec.ContextLength;

    /// <summary>Weights of one attention node; each has the whole role. The table of rotations included.</summary>
    public long AttentionNodeBytes { get; } = WeightSizes.InMemory(Spec, Nodes.WeightType).Attention + ((long)Spec.ContextLength * Spec.Rope.RotaryDim * sizeof(float));

    /// <summary>Experts of the expert node that holds most.</summary>
    public int ExpertsOfNode { get; } =
        Enumerable.Range(0, Nodes.ExpertNodes).Max(share => ExpertPlacement.Share(Spec.Router.ExpertCount, share, Nodes.ExpertNodes).Count);

    /// <summary>Weights of that node.</summary>
    public long ExpertNodeBytes => WeightSizes.InMemory(Spec, Nodes.WeightType).Experts / Spec.Router.ExpertCount * ExpertsOfNode;

    /// <param name="AttentionNodes">How many.</param>
    /// <param name="ExpertNodes">How many.</param>
    /// <param name="KvType">Type of the KV cache.</param>
    /// <param name="WeightType">What matrices are packed as; null: as stored.</param>
    internal sealed record Pool(int AttentionNodes, int ExpertNodes, NumberType KvType, NumberType? WeightType);

    /// <summary>What was found beside config.json.</summary>
    internal sealed record Weights(WeightSizes Sizes, NumberType AttentionType, NumberType ExpertType, string? Ignored, string Digest)
    {
        public static Weights Of(Checkpoint checkpoint) => new(
            new WeightSizes(checkpoint.BytesOf(NodeRole.Attention), checkpoint.BytesOf(NodeRole.Expert)),
            checkpoint.StoredTypeOf(NodeRole.Attention),
            checkpoint.StoredTypeOf(NodeRole.Expert),
            checkpoint.Ignored,
            ModelDigest.Of(checkpoint));
    }
}
