namespace MegaInfer.Rl.Tasks;

/// <summary>
/// What joins the mix late, and how much of it. Nearby differences need their own practice: telling which number is larger is the hard
/// part of a subtraction. Of each hard class a trace is enough to half learn it, which is the aim: it should be right in some samples and
/// wrong in others.
/// </summary>
/// <param name="From">The share of all steps after which these problems appear.</param>
/// <param name="CloseSubtraction">Share of conversations, as are the following.</param>
/// <param name="LongAddition">Share of conversations.</param>
/// <param name="LongSubtraction">Share of conversations.</param>
/// <param name="LongProduct">Share of conversations.</param>
/// <param name="ThreeOperands">Share of conversations.</param>
public sealed record LateShares(
    double From, double CloseSubtraction, double LongAddition, double LongSubtraction, double LongProduct, double ThreeOperands)
{
    /// <summary>The shares the embedded model was trained with.</summary>
    public static LateShares Default { get; } = new(0.6, 0.1, 0.0008, 0.0011, 0.0012, 0.0115);

    /// <summary>Draws a late class, or null for one of the usual kinds. Takes exactly one number from the stream.</summary>
    public ProblemClass? Draw(double progress, SeededRandom random)
    {
        double draw = random.NextUnit();
        if (progress < From)
            return null;
        if ((draw -= CloseSubtraction) < 0)
            return ProblemClass.CloseSubtraction;
        if ((draw -= LongAddition) < 0)
            return ProblemClass.LongAddition;
        if ((draw -= LongSubtraction) < 0)
            return ProblemClass.LongSubtraction;
        if ((draw -= LongProduct) < 0)
            return ProblemClass.LongProduct;
        return draw < ThreeOperands ? ProblemClass.ThreeOperands : null;
    }
}
