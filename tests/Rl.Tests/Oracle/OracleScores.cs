using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>Causal attention from ready queries, keys and values of one layer.</summary>
internal sealed class OracleScores(OracleContext context)
{
    /// <summary>How many positions a row sees, itself included; null for all.</summary>
    public int? Window { get; init; }

    /// <summary>Name of a score per head that takes its part of the softmax and adds nothing; null for none.</summary>
    public string? Sinks { get; init; }

    /// <summary>Queries [tokens, heads, dim], keys and values [tokens, kv heads, ...] -> [tokens, heads * value dim]</summary>
    public torch.Tensor Attend(torch.Tensor query, torch.Tensor key, torch.Tensor value, double scale)
    {
        long tokens = query.shape[0];
        long heads = query.shape[1];
        key = key.repeat_interleave(heads / key.shape[1], dim: 1).transpose(0, 1); // [heads, tokens, dim]
        value = value.repeat_interleave(heads / value.shape[1], dim: 1).transpose(0, 1);
        torch.Tensor scores = query.transpose(0, 1).matmul(key.transpose(1, 2)).Times(scale);
        torch.Tensor hidden = Hidden(tokens);
        context.Trace.AddScores(scores, hidden);
        scores = scores.Without(hidden);
        if (Sinks is not null && context.Features.Keeps(OracleFeature.Sinks))
            scores = torch.cat([scores, context.Weights[Sinks].view(heads, 1, 1).expand(heads, tokens, 1)], 2);
        torch.Tensor weights = scores.softmax(-1).narrow(2, 0, tokens);
        return weights.matmul(value).transpose(0, 1).reshape(tokens, -1);
    }

    // True where row t must not see position s.
    private torch.Tensor Hidden(long tokens)
    {
        torch.Tensor all = torch.ones([tokens, tokens], dtype: torch.@bool);
        torch.Tensor future = all.triu(1);
        if (Window is not { } window || !context.Features.Keeps(OracleFeature.Window))
            return future;
        if (!context.Features.Keeps(OracleFeature.WindowEdge))
            window++;
        return future.logical_or(all.tril(-window));
    }
}
