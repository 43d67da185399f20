using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>What a router's logits become.</summary>
internal enum OracleScoring
{
    /// <summary>A softmax over all experts.</summary>
    Softmax,

    /// <summary>A sigmoid each.</summary>
    Sigmoid,

    /// <summary>Experts are chosen by logit, and the softmax runs over the chosen ones.</summary>
    SoftmaxOfChosen,
}

/// <summary>Chooses the experts of each row and their weights.</summary>
internal sealed class OracleRouter(OracleContext context)
{
    /// <summary>Name of the weight [experts, hidden].</summary>
    public required string Weight { get; init; }

    public required int ChosenCount { get; init; }

    public OracleScoring Scoring { get; init; }

    /// <summary>Name of a bias on the logits; null for none.</summary>
    public string? Bias { get; init; }

    /// <summary>Name of a bias that takes part in the choice only; null for none.</summary>
    public string? CorrectionBias { get; init; }

    public int GroupCount { get; init; } = 1;

    /// <summary>How many groups a row's experts come from.</summary>
    public int ChosenGroupCount { get; init; } = 1;

    /// <summary>Whether a group counts with the sum of its two best experts, or with its best.</summary>
    public bool GroupsCountTwoBest { get; init; }

    /// <summary>The chosen weights are divided by their p-norm of this p; null leaves them.</summary>
    public double? NormalisationPower { get; init; }

    public double Scale { get; init; } = 1;

    /// <summary>[tokens, hidden] -> weights [tokens, experts], 0 where an expert is not chosen.</summary>
    public torch.Tensor Forward(torch.Tensor x)
    {
        torch.Tensor logits = Bias is null ? context.Project(x, Weight) : context.Project(x, Weight, Bias, OracleFeature.RouterBias);
        torch.Tensor scores = Scoring switch
        {
            OracleScoring.Sigmoid => logits.sigmoid(),
            OracleScoring.Softmax => logits.softmax(-1),
            _ => logits,
        };
        torch.Tensor ranks = scores;
        if (CorrectionBias is not null && context.Features.Keeps(OracleFeature.CorrectionBias))
            ranks = scores.Plus(Correction(context.Weights[CorrectionBias]));
        torch.Tensor allowed = GroupCount > ChosenGroupCount && context.Features.Keeps(OracleFeature.Groups) ? InBestGroups(ranks) : ranks;
        context.Trace.AddChoice(Comparable(allowed), ChosenCount);
        torch.Tensor experts = allowed.topk(ChosenCount, -1).indexes;
        bool areUnbiased = CorrectionBias is null || context.Features.Keeps(OracleFeature.UnbiasedWeights);
        torch.Tensor weights = Weights((areUnbiased ? scores : ranks).gather(1, experts), logits, experts);
        return torch.zeros_like(logits).scatter(1, experts, weights);
    }

    // Rounding counts as a mistake where it moves the bias by a noticeable part of a score.
    private torch.Tensor Correction(torch.Tensor bias)
    {
        const float Noticeable = 0.01f;
        bool roundingMatters = bias.Plus(bias.Rounded().neg()).abs().max().item<float>() > Noticeable;
        return roundingMatters && !context.Features.Keeps(OracleFeature.CorrectionPrecision) ? bias.Rounded() : bias;
    }

    private torch.Tensor Weights(torch.Tensor chosen, torch.Tensor logits, torch.Tensor experts)
    {
        if (Scoring == OracleScoring.SoftmaxOfChosen)
            return context.Features.Keeps(OracleFeature.SoftmaxOfChosen) ? chosen.softmax(-1) : logits.softmax(-1).gather(1, experts);
        double? power = NormalisationPower;
        if (!context.Features.Keeps(OracleFeature.Normalisation))
            power = power is null ? 1 : null;
        if (power is not null and not 1 && !context.Features.Keeps(OracleFeature.NormalisationPower))
            power = 1;
        if (power is { } p)
            chosen = chosen.div(chosen.abs().Power(p).sum(-1, keepdim: true).Power(1 / p));
        return Scale != 1 && context.Features.Keeps(OracleFeature.RoutedScaling) ? chosen.Times(Scale) : chosen;
    }

    private torch.Tensor InBestGroups(torch.Tensor ranks)
    {
        long tokens = ranks.shape[0];
        torch.Tensor groups = ranks.view(tokens, GroupCount, -1);
        bool countsTwo = context.Features.Keeps(OracleFeature.GroupScore) ? GroupsCountTwoBest : !GroupsCountTwoBest;
        torch.Tensor scores = groups.topk(countsTwo ? 2 : 1, -1).values.sum(-1);
        context.Trace.AddChoice(Comparable(scores), ChosenGroupCount);
        torch.Tensor isLeft = torch.ones_like(scores, dtype: torch.@bool);
        isLeft = isLeft.scatter(1, scores.topk(ChosenGroupCount, -1).indexes, torch.zeros_like(isLeft));
        return groups.Without(isLeft.unsqueeze(2)).view(tokens, -1);
    }

    // Probabilities are as far apart as their logits.
    private torch.Tensor Comparable(torch.Tensor ranks) => Scoring == OracleScoring.Softmax ? ranks.AtLeast(0).log() : ranks;
}
