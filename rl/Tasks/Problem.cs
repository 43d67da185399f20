namespace MegaInfer.Rl.Tasks;

/// <summary>A problem whose answer can be checked: the question in one of many wordings, and the reply that is taught.</summary>
/// <param name="Class">The class it is scored in.</param>
/// <param name="Question">What the user writes.</param>
/// <param name="Solution">Short steps and the final <c>Answer: ...</c> line.</param>
/// <param name="Part">Where the split puts it.</param>
public sealed record Problem(ProblemClass Class, string Question, string Solution, SplitPart Part)
{
    /// <summary>The expected text after <c>Answer: </c>.</summary>
    public string Answer => AnswerVerifier.Extract(Solution)!;

    /// <summary>
    /// Whether every computation written in <see cref="Solution"/> with at least one operand of two digits or more is itself a training
    /// problem, so that teaching the solution reveals nothing held out. Always asked together with <see cref="Part"/>.
    /// </summary>
    public bool StepsAreTraining { get; init; } = true;
}
