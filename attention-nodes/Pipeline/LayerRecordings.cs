using MegaInfer.AttentionNodes.Layers;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// On a device: the attention side of a layer as one recording for each shape of a micro-batch that comes back, as decode's do step after step, so that starting its kernels takes the host
/// one call instead of a dozen. Belongs to the node loop; allocates only when a shape is met or recorded.
/// </summary>
public sealed class LayerRecordings(KernelContext context, IReadOnlyList<AttentionLayer> layers, StepMemory memory) : IDisposable
{
    // Kernels get their scratch memory when they first run with a shape; a shape that is met once more will probably stay.
    private const int UsesBeforeRecording = 2;

    // Each holds a recording of every layer.
    private const int MostShapes = 12;

    private readonly Dictionary<Shape, Recorded> _shapes = [];
    private long _uses;

    /// <summary>What <see cref="AttentionLayer.Forward"/> does.</summary>
    public void Forward(int layer, MicroBatch microBatch)
    {
        Recorded recorded = Find(new Shape(microBatch.FirstRow, microBatch.RowCount, memory.BlockTableStride, memory.SequenceCount));
        if (layer == 0)
            recorded.Uses++;
        if (recorded.Layers[layer] is { } recording)
        {
            context.Run(recording);
        }
        else if (recorded.Uses <= UsesBeforeRecording)
        {
            layers[layer].Forward(microBatch);
        }
        else
        {
            context.Run(recorded.Layers[layer] = Record(layers[layer], microBatch));
        }
    }

    public void Dispose()
    {
        foreach (Recorded recorded in _shapes.Values)
            recorded.Dispose();
        _shapes.Clear();
    }

    // Apart, so that running what is recorded makes no closure.
    private KernelRecording Record(AttentionLayer layer, MicroBatch microBatch) => context.Record(() => layer.Forward(microBatch));

    private Recorded Find(Shape shape)
    {
        if (!_shapes.TryGetValue(shape, out Recorded? recorded))
        {
            if (_shapes.Count == MostShapes)
                ForgetOldest();
            recorded = _shapes[shape] = new Recorded(layers.Count);
        }

        recorded.LastUse = ++_uses;
        return recorded;
    }

    private void ForgetOldest()
    {
        (Shape shape, Recorded recorded) = _shapes.MinBy(entry => entry.Value.LastUse);
        context.Wait(); // it may still run
        recorded.Dispose();
        _shapes.Remove(shape);
    }

    // All that a layer's kernels are told apart from what lies in the step's memory.
    private readonly record struct Shape(int FirstRow, int RowCount, int BlockTableStride, int Sequences);

    private sealed class Recorded(int layerCount) : IDisposable
    {
        public KernelRecording?[] Layers { get; } = new KernelRecording?[layerCount];

        public int Uses { get; set; }

        public long LastUse { get; set; }

        public void Dispose()
        {
            foreach (KernelRecording? recording in Layers)
                recording?.Dispose();
        }
    }
}
