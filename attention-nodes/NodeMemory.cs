using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Layers;
using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Engine.Cluster;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes;

/// <summary>The device memory and layers of one attention node, made once and owned together.</summary>
public sealed class NodeMemory : IDisposable
{
    public NodeMemory(AttentionWeights weights, KernelContext context, AttentionNodeOptions options, bool stagesRows = false)
    {
        Shape = new PipelineShape(weights.Spec, options.MaxStepRows, options.KvType);
        Step = new StepMemory(context, weights.Spec, Shape, options.MaxSequences, stagesRows);
        Kv = new KvMemory(context, weights.Spec, options.KvType, options.KvBlocks);
        Embedding = new Embedding(context, weights, Step);
        Layers = [.. Enumerable.Range(0, weights.Spec.LayerCount).Select(layer => new AttentionLayer(context, weights, layer, Step, Kv))];
        Recordings = context.IsDevice ? new LayerRecordings(context, Layers, Step) : null;
        Head = new LmHead(context, weights, Step, Math.Min(options.MaxSequences, options.MaxStepRows));
    }

    public PipelineShape Shape { get; }

    public StepMemory Step { get; }

    public KvMemory Kv { get; }

    public Embedding Embedding { get; }

    public IReadOnlyList<AttentionLayer> Layers { get; }

    public LmHead Head { get; }

    /// <summary>Null on a CPU, where there is nothing to record.</summary>
    public LayerRecordings? Recordings { get; }

    public StageClock Clock { get; } = new();

    public void Dispose()
    {
        Recordings?.Dispose();
        Head.Dispose();
        Kv.Dispose();
        Step.Dispose();
    }
}
