using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>A layer's experts, in whatever form the family stores them.</summary>
internal interface IOracleExperts
{
    /// <summary>What one expert makes of every row.</summary>
    torch.Tensor Forward(int expert, torch.Tensor x);
}

/// <summary>silu(x gate) * (x up), times down: experts and dense layers of most families, each matrix [out, in] under a name of its own.</summary>
internal sealed class OracleGatedExperts(OracleContext context, Func<int, string> prefix) : IOracleExperts
{
    public string GateName { get; init; } = "gate_proj.weight";

    public string UpName { get; init; } = "up_proj.weight";

    public string DownName { get; init; } = "down_proj.weight";

    public torch.Tensor Forward(int expert, torch.Tensor x)
    {
        string start = prefix(expert);
        torch.Tensor inner = context.Project(x, start + GateName).Swish().mul(context.Project(x, start + UpName));
        return context.Project(inner, start + DownName);
    }
}

/// <summary>DBRX: all experts below each other in three matrices, each expert's part [inner, hidden], the down projection's too.</summary>
internal sealed class OracleStackedExperts(OracleContext context, string prefix, int innerSize) : IOracleExperts
{
    public torch.Tensor Forward(int expert, torch.Tensor x)
    {
        torch.Tensor inner = x.matmul(Part("w1", expert).t()).Swish().mul(x.matmul(Part("v1", expert).t()));
        torch.Tensor down = Part("w2", expert);
        return context.Features.Keeps(OracleFeature.DownLayout) ? inner.matmul(down) : inner.matmul(down.reshape(down.shape[1], down.shape[0]).t());
    }

    private torch.Tensor Part(string name, int expert) => context.Weights[prefix + name].narrow(0, (long)expert * innerSize, innerSize);
}

/// <summary>
/// gpt-oss: the experts in one tensor [experts, ...], gate and up in alternating rows, biases, and (up + 1) * gate * sigmoid(1.702 gate) of values
/// that are clamped: the gate from above, up on both sides.
/// </summary>
internal sealed class OracleClampedExperts(OracleContext context, string prefix, double limit) : IOracleExperts
{
    private const double Slope = 1.702;

    public torch.Tensor Forward(int expert, torch.Tensor x)
    {
        torch.Tensor both = Project(x, "gate_up_proj", expert);
        long inner = both.shape[1] / 2;
        torch.Tensor pairs = context.Features.Keeps(OracleFeature.GateUpLayout) ? both.view(-1, inner, 2) : both.view(-1, 2, inner).transpose(1, 2);
        torch.Tensor gate = pairs.select(2, 0);
        torch.Tensor up = pairs.select(2, 1);
        if (context.Features.Keeps(OracleFeature.Clamp))
            (gate, up) = (gate.AtMost(limit), up.Within(limit));
        torch.Tensor activated = gate.Swish(context.Features.Keeps(OracleFeature.GateSlope) ? Slope : 1);
        return Project(activated.mul(context.Features.Keeps(OracleFeature.UpOffset) ? up.Plus(1) : up), "down_proj", expert);
    }

    private torch.Tensor Project(torch.Tensor x, string name, int expert)
    {
        // In MXFP4 an expert's part is [out, in]; otherwise it is [in, out].
        torch.Tensor weight = context.Weights[prefix + name].select(0, expert);
        torch.Tensor projected = x.matmul(context.Weights.IsPacked(prefix + name) ? weight.t() : weight);
        return context.Features.Keeps(OracleFeature.ExpertBias) ? projected.Plus(context.Weights[$"{prefix}{name}_bias"].select(0, expert)) : projected;
    }
}
