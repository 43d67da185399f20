using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>A dense layer's feed-forward part: one expert that every row uses.</summary>
internal sealed class OracleFeedForward(IOracleExperts only) : IOracleBlock
{
    public torch.Tensor Forward(torch.Tensor x) => only.Forward(0, x);
}

/// <summary>A sparse layer's: the weighted sum of the chosen experts, and a shared expert where there is one.</summary>
internal sealed class OracleSparseFeedForward(OracleContext context, OracleRouter router, IOracleExperts experts) : IOracleBlock
{
    /// <summary>The expert that every row uses; null for none.</summary>
    public IOracleExperts? Shared { get; init; }

    /// <summary>Name of the weight [1, hidden] whose sigmoid scales the shared expert; null for none.</summary>
    public string? SharedGate { get; init; }

    public torch.Tensor Forward(torch.Tensor x)
    {
        torch.Tensor weights = router.Forward(x);
        torch.Tensor result = torch.zeros_like(x);
        // Every expert computes every row; rows that did not choose it have the weight 0.
        for (int expert = 0; expert < weights.shape[1]; expert++)
            result = result.Plus(experts.Forward(expert, x).mul(weights.narrow(1, expert, 1)));
        if (Shared is null || !context.Features.Keeps(OracleFeature.SharedExpert))
            return result;
        torch.Tensor shared = Shared.Forward(0, x);
        if (SharedGate is not null && context.Features.Keeps(OracleFeature.SharedGate))
            shared = shared.mul(context.Project(x, SharedGate).sigmoid());
        return result.Plus(shared);
    }
}
