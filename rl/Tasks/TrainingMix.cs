namespace MegaInfer.Rl.Tasks;

/// <summary>
/// Draws training conversations: what share each kind of problem has, and from which step on. Conversation k of step s depends only on
/// the seed, s and k, so training resumes anywhere. Thread safe.
/// </summary>
public sealed class TrainingMix
{
    private const double BareShare = 0.05;
    private const double SystemShare = 0.12;
    private const double SeveralTurnsShare = 0.16;
    private const double SmallTalkShare = 0.14;

    private static readonly (ProblemClass Class, double Share)[] Core =
    [
        (ProblemClass.Addition, 0.21), (ProblemClass.Subtraction, 0.31), (ProblemClass.Product, 0.13), (ProblemClass.WideProduct, 0.09),
        (ProblemClass.Sorting, 0.18), (ProblemClass.Extremum, 0.08),
    ];

    private readonly SmallTalk _smallTalk;
    private readonly LateShares _late;

    /// <summary>A mix with the given shares of late classes.</summary>
    public TrainingMix(SmallTalk smallTalk, LateShares late)
    {
        _smallTalk = smallTalk;
        _late = late;
    }

    /// <summary>Draws one conversation; <paramref name="progress"/> is the finished share of all steps, in [0, 1).</summary>
    public Conversation Draw(double progress, SeededRandom random)
    {
        if (_late.Draw(progress, random) is { } lateClass)
            return new Conversation(random.Chance(SystemShare) ? random.Pick(_smallTalk.SystemMessages) : null, [Solved(lateClass, random)], IsBare: false);
        if (random.Chance(BareShare))
            return new Conversation(null, [Solved(DrawClass(random), random)], IsBare: true);
        string? system = random.Chance(SystemShare) ? random.Pick(_smallTalk.SystemMessages) : null;
        int turns = random.Chance(SeveralTurnsShare) ? random.Between(2, random.Chance(0.15) ? 8 : 4) : 1;
        double talk = turns > 1 ? 0.35 : SmallTalkShare;
        return new Conversation(system, [.. Enumerable.Range(0, turns).Select(_ => random.Chance(talk) ? Talk(random) : Solved(DrawClass(random), random))], IsBare: false);
    }

    private static ProblemClass DrawClass(SeededRandom random)
    {
        double draw = random.NextUnit();
        foreach ((ProblemClass problemClass, double share) in Core)
        {
            draw -= share;
            if (draw < 0)
                return problemClass;
        }
        return ProblemClass.Addition;
    }

    private static Turn Solved(ProblemClass problemClass, SeededRandom random)
    {
        Problem problem = ProblemSource.Draw(problemClass, SplitPart.Training, random);
        return new Turn(problem.Question, problem.Solution, problem);
    }

    private Turn Talk(SeededRandom random)
    {
        (string question, string reply) = _smallTalk.Draw(heldOut: false, random);
        return new Turn(question, reply, null);
    }
}
