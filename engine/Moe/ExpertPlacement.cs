using System.Collections.Immutable;

namespace MegaInfer.Engine.Moe;

/// <summary>
/// Which expert ranks hold which experts. Immutable: a change is a new placement with a higher epoch. An expert may be held by several ranks (replicas); the
/// same set holds for every layer.
/// </summary>
public sealed class ExpertPlacement
{
    private readonly ImmutableArray<ImmutableArray<Rank>> _ranksOfExpert;

    private ExpertPlacement(long epoch, ImmutableArray<ImmutableArray<Rank>> ranksOfExpert)
    {
        Epoch = epoch;
        _ranksOfExpert = ranksOfExpert;
    }

    /// <summary>Grows with every change of membership; travels with each dispatch.</summary>
    public long Epoch { get; }

    public int ExpertCount => _ranksOfExpert.Length;

    /// <summary>Every expert has at least one rank.</summary>
    public bool IsComplete => _ranksOfExpert.All(ranks => !ranks.IsEmpty);

    /// <summary>The ranks that hold an expert, ascending.</summary>
    public ImmutableArray<Rank> RanksOf(ExpertId expert) => _ranksOfExpert[expert.Value];

    /// <summary>Builds a placement from what each rank holds.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An expert outside 0..expertCount-1.</exception>
    public static ExpertPlacement FromHoldings(long epoch, int expertCount, IEnumerable<KeyValuePair<Rank, IReadOnlyList<ExpertId>>> holdings)
    {
        var ranks = new SortedSet<int>[expertCount];
        for (int i = 0; i < expertCount; i++)
            ranks[i] = [];
        foreach ((Rank rank, IReadOnlyList<ExpertId> experts) in holdings)
        {
            foreach (ExpertId expert in experts)
            {
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(expert.Value, expertCount);
                ArgumentOutOfRangeException.ThrowIfNegative(expert.Value);
                ranks[expert.Value].Add(rank.Value);
            }
        }

        return new ExpertPlacement(epoch, [.. ranks.Select(set => set.Select(value => new Rank(value)).ToImmutableArray())]);
    }

    /// <summary>The experts of share <paramref name="share"/> of <paramref name="shareCount"/>: contiguous, sizes differing by at most one.</summary>
    public static IReadOnlyList<ExpertId> Share(int expertCount, int share, int shareCount)
    {
        int from = (int)((long)expertCount * share / shareCount);
        int to = (int)((long)expertCount * (share + 1) / shareCount);
        return [.. Enumerable.Range(from, to - from).Select(value => new ExpertId(value))];
    }
}
