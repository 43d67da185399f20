namespace MegaInfer.Rl.Tasks;

/// <summary>
/// How much of the mix each hard class gets, and from when. A trace is enough to half learn them, which is the aim: each class should be
/// right in some samples and wrong in others.
/// </summary>
/// <param name="From">The share of all steps after which hard problems appear.</param>
/// <param name="LongAddition">Share of conversations, as are the following.</param>
/// <param name="LongSubtraction">Share of conversations.</param>
/// <param name="LongProduct">Share of conversations.</param>
/// <param name="ThreeOperands">Share of conversations.</param>
public sealed record LateShares(double From, double LongAddition, double LongSubtraction, double LongProduct, double ThreeOperands)
{
    /// <summary>The shares the embedded model was trained with.</summary>
    public static LateShares Default { get; } = new(0.6, 0.0007, 0.0008, 0.0014, 0.0095);

    /// <summary>Draws a hard class, or null for one of the usual kinds. Takes exactly one number from the stream.</summary>
    public ProblemClass? Draw(double progress, SeededRandom random)
    {
        double draw = random.NextUnit();
        if (progress < From)
            return null;
        if ((draw -= LongAddition) < 0)
            return ProblemClass.LongAddition;
        if ((draw -= LongSubtraction) < 0)
            return ProblemClass.LongSubtraction;
        if ((draw -= LongProduct) < 0)
            return ProblemClass.LongProduct;
        return draw < ThreeOperands ? ProblemClass.ThreeOperands : null;
    }
}
