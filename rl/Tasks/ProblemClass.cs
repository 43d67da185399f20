namespace MegaInfer.Rl.Tasks;

/// <summary>The classes in which verifiable problems are drawn, taught and scored.</summary>
public enum ProblemClass
{
    /// <summary>a + b, up to 3 digits each.</summary>
    Addition,

    /// <summary>a - b, up to 3 digits each; the result may be negative.</summary>
    Subtraction,

    /// <summary>Up to 2 digits times 1 digit, in either order.</summary>
    Product,

    /// <summary>Sorting a list of 3 to 5 numbers of up to 2 digits.</summary>
    Sorting,

    /// <summary>The largest or smallest of such a list.</summary>
    Extremum,

    /// <summary>3 digits times 1 digit: taught because it makes the shorter products reliable.</summary>
    WideProduct,

    /// <summary>a + b with 4 digits: hard on purpose.</summary>
    LongAddition,

    /// <summary>a - b with 4 digits: hard on purpose.</summary>
    LongSubtraction,

    /// <summary>4 digits times 1 digit: hard on purpose.</summary>
    LongProduct,

    /// <summary>a + b + c and a + b - c, up to 3 digits each: hard on purpose.</summary>
    ThreeOperands,
}

/// <summary>Which classes are which.</summary>
public static class ProblemClasses
{
    /// <summary>Classes the pretrained model must answer exactly.</summary>
    public static IReadOnlyList<ProblemClass> Exact { get; } =
        [ProblemClass.Addition, ProblemClass.Subtraction, ProblemClass.Product, ProblemClass.Sorting, ProblemClass.Extremum];

    /// <summary>Classes left half learned: the room for reinforcement learning.</summary>
    public static IReadOnlyList<ProblemClass> Hard { get; } =
        [ProblemClass.LongAddition, ProblemClass.LongSubtraction, ProblemClass.LongProduct, ProblemClass.ThreeOperands];
}
