namespace MegaInfer.Bench.Serving;

/// <summary>One engine under one load. In JSON the names are in snake_case; what does not apply is left out. Milliseconds are what clients saw.</summary>
internal sealed record ServingRow
{
    public required string Engine { get; init; }

    public string Work { get; } = "serving";

    public required string Model { get; init; }

    public required string Dtype { get; init; }

    /// <summary>Streams of a closed loop.</summary>
    public required int Batch { get; init; }

    /// <summary>Arrivals a second of an open loop; 0: closed.</summary>
    public required double RatePerS { get; init; }

    public required int PromptLen { get; init; }

    public required int GenLen { get; init; }

    public required int Requests { get; init; }

    /// <summary>Requests that ended with all their tokens.</summary>
    public required int Sound { get; init; }

    /// <summary>Generated tokens over the whole load.</summary>
    public required double TokensPerS { get; init; }

    /// <summary>0: what a load could do at best depends on its arrivals; <c>bench decode</c> has the floors of its steps.</summary>
    public double FloorTokensPerS { get; }

    public required double InOutTokensPerS { get; init; }

    /// <summary>From when a request was due to its first text.</summary>
    public required double TtftP50Ms { get; init; }

    public required double TtftP90Ms { get; init; }

    public required double TtftP99Ms { get; init; }

    /// <summary>Between two pieces of text of one request.</summary>
    public required double ItlP50Ms { get; init; }

    public required double ItlP90Ms { get; init; }

    public required double ItlP99Ms { get; init; }

    public required double ItlMaxMs { get; init; }

    /// <summary>Processor time of the server and its nodes over the load's time.</summary>
    public required double ServerCores { get; init; }

    /// <summary>What the process that serves HTTP has of it: of ours everything but the nodes.</summary>
    public required double FrontCores { get; init; }

    /// <summary>Processor time of the load's program.</summary>
    public required double ClientCores { get; init; }

    public required double OthersShare { get; init; }

    /// <summary>Ours over the rival's, for each figure of the same run.</summary>
    public double? RivalTokensRatio { get; init; }

    public double? RivalTtftP50Ratio { get; init; }

    public double? RivalItlP50Ratio { get; init; }

    public double? RivalItlP99Ratio { get; init; }

    internal static ServingRow Of(string engine, string model, string dtype, LoadShape shape, LoadResult result) => new()
    {
        Engine = engine,
        Model = model,
        Dtype = dtype,
        Batch = shape.Streams,
        RatePerS = shape.Rate,
        PromptLen = shape.PromptLength,
        GenLen = shape.GenerateLength,
        Requests = shape.Requests,
        Sound = result.Sound,
        TokensPerS = Math.Round(result.TokensPerSecond, 2),
        InOutTokensPerS = Math.Round(result.TokensPerSecond * (shape.PromptLength + shape.GenerateLength) / shape.GenerateLength, 2),
        TtftP50Ms = Math.Round(result.FirstMs(0.5), 1),
        TtftP90Ms = Math.Round(result.FirstMs(0.9), 1),
        TtftP99Ms = Math.Round(result.FirstMs(0.99), 1),
        ItlP50Ms = Math.Round(result.BetweenMs(0.5), 1),
        ItlP90Ms = Math.Round(result.BetweenMs(0.9), 1),
        ItlP99Ms = Math.Round(result.BetweenMs(0.99), 1),
        ItlMaxMs = Math.Round(result.BetweenMs(1), 1),
        ServerCores = Math.Round(result.ServerCores, 3),
        FrontCores = Math.Round(result.FrontCores, 3),
        ClientCores = Math.Round(result.ClientCores, 3),
        OthersShare = Math.Round(result.OthersShare, 4),
    };

    internal ServingRow Beside(ServingRow rival) => this with
    {
        RivalTokensRatio = Math.Round(TokensPerS / rival.TokensPerS, 3),
        RivalTtftP50Ratio = Math.Round(TtftP50Ms / rival.TtftP50Ms, 3),
        RivalItlP50Ratio = Math.Round(ItlP50Ms / rival.ItlP50Ms, 3),
        RivalItlP99Ratio = Math.Round(ItlP99Ms / rival.ItlP99Ms, 3),
    };
}
