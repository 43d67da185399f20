using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>What a pass shows of itself: how far the attention scores spread, and how clear the routers' choices are.</summary>
public sealed class OracleTrace
{
    private readonly List<double> _scoreDeviations = [];
    private float[] _margins = [];

    /// <summary>By layer: the standard deviation of the attention scores of visible positions.</summary>
    public IReadOnlyList<double> ScoreDeviations => _scoreDeviations;

    /// <summary>
    /// By token: the smallest distance, over all layers, between the last expert (or group) taken and the first one left, in standard deviations of
    /// what was compared.
    /// </summary>
    public IReadOnlyList<float> Margins => _margins;

    internal void Start(int tokens)
    {
        _scoreDeviations.Clear();
        _margins = Enumerable.Repeat(float.PositiveInfinity, tokens).ToArray();
    }

    internal void AddScores(torch.Tensor scores, torch.Tensor hidden)
    {
        torch.Tensor visible = scores.masked_select(hidden.logical_not().expand(scores.shape));
        _scoreDeviations.Add(visible.std().item<float>());
    }

    /// <summary>Candidates [tokens, candidates], of which a token takes the best <paramref name="taken"/>; minus infinity is no candidate.</summary>
    internal void AddChoice(torch.Tensor candidates, int taken)
    {
        if (candidates.shape[1] <= taken)
            return;
        torch.Tensor real = candidates.masked_select(candidates.isfinite());
        float deviation = real.std().item<float>();
        float[] best = candidates.topk(taken + 1, -1).values.contiguous().data<float>().ToArray();
        for (int token = 0; token < _margins.Length; token++)
        {
            float margin = best[(token * (taken + 1)) + taken - 1] - best[(token * (taken + 1)) + taken];
            _margins[token] = Math.Min(_margins[token], margin / deviation);
        }
    }
}
