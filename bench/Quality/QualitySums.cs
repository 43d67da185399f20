namespace MegaInfer.Bench.Quality;

/// <summary>Sums over positions of what two models make of the same text.</summary>
internal sealed class QualitySums
{
    private double _kl;
    private double _klSquares;
    private double _loss;
    private double _exactLoss;
    private int _sameTop;

    public int Positions { get; private set; }

    public double MeanKl => _kl / Positions;

    public double MeanKlError => Math.Sqrt(Math.Max(0, (_klSquares / Positions) - (MeanKl * MeanKl)) / Positions);

    public double SameTop => (double)_sameTop / Positions;

    public double Perplexity => Math.Exp(_loss / Positions);

    public double ExactPerplexity => Math.Exp(_exactLoss / Positions);

    /// <param name="exact">[vocabulary] logits of the model in fp32.</param>
    /// <param name="other">[vocabulary] of the other.</param>
    /// <param name="next">The token that follows in the text.</param>
    public void Add(ReadOnlySpan<float> exact, ReadOnlySpan<float> other, int next)
    {
        double exactSum = LogSum(exact), otherSum = LogSum(other), kl = 0;
        int exactTop = 0, otherTop = 0;
        for (int i = 0; i < exact.Length; i++)
        {
            double logP = exact[i] - exactSum, logQ = other[i] - otherSum;
            kl += Math.Exp(logP) * (logP - logQ);
            exactTop = exact[i] > exact[exactTop] ? i : exactTop;
            otherTop = other[i] > other[otherTop] ? i : otherTop;
        }

        _kl += kl;
        _klSquares += kl * kl;
        _exactLoss += exactSum - exact[next];
        _loss += otherSum - other[next];
        _sameTop += exactTop == otherTop ? 1 : 0;
        Positions++;
    }

    private static double LogSum(ReadOnlySpan<float> logits)
    {
        double most = double.NegativeInfinity, sum = 0;
        foreach (float logit in logits)
            most = Math.Max(most, logit);
        foreach (float logit in logits)
            sum += Math.Exp(logit - most);
        return most + Math.Log(sum);
    }
}
