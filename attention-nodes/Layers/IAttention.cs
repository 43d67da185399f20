using MegaInfer.AttentionNodes.Pipeline;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>What lies between a layer's first norm and its output projection. Belongs to the node loop; allocates nothing.</summary>
internal interface IAttention
{
    /// <summary>
    /// The micro-batch's normed rows [rows, hidden] to attended rows [rows, output input width]. Its keys and values are in the cache afterwards.
    /// </summary>
    void Forward(MicroBatch microBatch);
}
