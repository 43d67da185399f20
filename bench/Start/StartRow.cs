namespace MegaInfer.Bench.Start;

/// <summary>One engine's start, from the program's to the first token that a client sees. In JSON the names are in snake_case.</summary>
internal sealed record StartRow
{
    public required string Engine { get; init; }

    public string Work { get; } = "start";

    public required string Model { get; init; }

    /// <summary>Of the checkpoint's weights.</summary>
    public required double Gigabytes { get; init; }

    /// <summary>Reading them once from the system's cache, by one thread: the best time of this run.</summary>
    public required double ReadS { get; init; }

    /// <summary>Until it takes requests.</summary>
    public required double ReadyS { get; init; }

    /// <summary>Until the first token of a short prompt.</summary>
    public required double FirstTokenS { get; init; }

    public required double OthersShare { get; init; }

    /// <summary>What a first token may take: one and a half times the reading, and a second.</summary>
    public double LimitS => Math.Round((1.5 * ReadS) + 1, 3);

    public double OverLimit => Math.Round(FirstTokenS / LimitS, 3);
}
