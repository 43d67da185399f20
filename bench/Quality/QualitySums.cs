namespace MegaInfer.Bench.Quality;

/// <summary>Sums over positions of what two models make of the same text.</summary>
internal sealed class QualitySums
{
    private double _kl;
    private double _klSquares;
    private double _loss;
    private double _storedLoss;
    private int _sameTop;

    public int Positions { get; private set; }

    public double MeanKl => _kl / Positions;

    public double MeanKlError => Math.Sqrt(Math.Max(0, (_klSquares / Positions) - (MeanKl * MeanKl)) / Positions);

    public double SameTop => (double)_sameTop / Positions;

    public double Perplexity => Math.Exp(_loss / Positions);

    public double StoredPerplexity => Math.Exp(_storedLoss / Positions);

    /// <param name="stored">[vocabulary] logits of the model as stored.</param>
    /// <param name="other">[vocabulary] of the other.</param>
    /// <param name="next">The token that follows in the text.</param>
    public void Add(ReadOnlySpan<float> stored, ReadOnlySpan<float> other, int next)
    {
        double storedSum = LogSum(stored), otherSum = LogSum(other), kl = 0;
        int storedTop = 0, otherTop = 0;
        for (int i = 0; i < stored.Length; i++)
        {
            double logP = stored[i] - storedSum, logQ = other[i] - otherSum;
            kl += Math.Exp(logP) * (logP - logQ);
            storedTop = stored[i] > stored[storedTop] ? i : storedTop;
            otherTop = other[i] > other[otherTop] ? i : otherTop;
        }

        _kl += kl;
        _klSquares += kl * kl;
        _storedLoss += storedSum - stored[next];
        _loss += otherSum - other[next];
        _sameTop += storedTop == otherTop ? 1 : 0;
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
