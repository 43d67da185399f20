using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>Token ids to hidden rows: [rows] to [rows, hidden].</summary>
public sealed class Embedding(KernelContext context, AttentionWeights weights, StepMemory memory)
{
    /// <summary>Fills the first <paramref name="rows"/> hidden rows of the step.</summary>
    public void Forward(int rows) => context.Embed(new EmbedArgs
    {
        Table = weights.Embedding.Address,
        TableType = weights.EmbeddingType,
        Vocabulary = weights.Spec.VocabularySize,
        Ids = memory.TokenIds,
        Out = memory.Hidden.Start,
        Rows = rows,
        Hidden = memory.HiddenWidth,
    });
}
