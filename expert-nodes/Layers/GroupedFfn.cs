using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.ExpertNodes.Layers;

/// <summary>
/// One layer's experts: each pair's row goes through its expert, gate and up, activation, down, and comes out unweighted in fp32. The attention node weights and
/// sums, so a row's bits do not depend on where its experts live.
/// </summary>
public sealed class GroupedFfn(KernelContext context, PackedExperts experts) : IDisposable
{
    public long WeightBytes => experts.Bytes;

    public NumberType Type => (NumberType)experts.Type;

    /// <summary>Computes every pair of the table; results are in place when it returns. [pairs][hidden] to [pairs][hidden]</summary>
    public void Forward(PairTable pairs)
    {
        context.GroupedFfn(experts, new GroupedFfnArgs
        {
            Offsets = pairs.Offsets,
            RowOfPair = pairs.RowOfPair,
            OutOfPair = pairs.OutOfPair,
            Pairs = pairs.Pairs,
        });
        context.Wait();
    }

    public void Dispose() => experts.Dispose();
}
