using MegaInfer.Engine;

namespace MegaInfer.Bench.Serving;

/// <summary>A load of streamed completions.</summary>
internal sealed record LoadShape
{
    /// <summary>Requests in flight of a closed loop; slots of a rival's server in any case.</summary>
    public required int Streams { get; init; }

    /// <summary>Requests in all.</summary>
    public required int Requests { get; init; }

    /// <summary>Tokens of each prompt.</summary>
    public required int PromptLength { get; init; }

    /// <summary>Tokens that each request generates.</summary>
    public required int GenerateLength { get; init; }

    /// <summary>Arrivals a second of an open loop; 0: a closed loop, where a stream sends its next request when its last has ended.</summary>
    public required double Rate { get; init; }

    /// <summary>Of prompts and arrivals.</summary>
    public required int Seed { get; init; }

    public bool IsOpen => Rate > 0;

    /// <summary>When each request of an open loop is due, from the start: exponential pauses, the same for every engine.</summary>
    internal TimeSpan[] Arrivals()
    {
        var random = new Random(Seed);
        var due = new TimeSpan[Requests];
        double seconds = 0;
        for (int i = 0; i < Requests; i++)
        {
            seconds += -Math.Log(1 - random.NextDouble()) / Rate;
            due[i] = TimeSpan.FromSeconds(seconds);
        }

        return due;
    }

    /// <summary>Random token ids of request <paramref name="index"/>, unlike those of any other.</summary>
    internal int[] Prompt(int index, int vocabulary)
    {
        var random = new Random((Seed * 1_000_003) + index);
        return [.. Enumerable.Range(0, PromptLength).Select(_ => random.Next(vocabulary))];
    }

    /// <exception cref="MegaInferException">A number that cannot be.</exception>
    internal void Check(int contextLength)
    {
        if (Streams < 1 || Requests < 1 || PromptLength < 1 || GenerateLength < 2 || Rate < 0)
            throw new MegaInferException("--streams, --requests and --prompt-len are at least 1, --gen-len at least 2, and --rate is not negative.");
        if (PromptLength + GenerateLength > contextLength)
            throw new MegaInferException($"{PromptLength} prompt and {GenerateLength} generated tokens exceed the model's context of {contextLength}; lower --prompt-len or --gen-len.");
    }
}
