using System.Globalization;
using System.Text.Json;
using MegaInfer.Engine.Requests;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.OpenAi;

/// <summary>What both generation endpoints take, read and checked except for what needs the prompt.</summary>
internal sealed record GenerationFields
{
    public const int MaxSamples = 128;
    private const int MaxStopStrings = 4;
    private const int MaxTimeoutMs = 24 * 60 * 60 * 1000;
    private const string TimeoutHeader = "X-Request-Timeout-Ms";

    // What generation_config.json states together; see GenerationDefaults.
    private static readonly string[] SetOfTheModel = ["temperature", "top_k", "top_p", "min_p", "repetition_penalty"];

    // OpenAI's documentation allows top_p = 0; any share this small keeps the most likely token only.
    private const float SmallestTopP = 1e-9f;

    public required SamplingParameters Sampling { get; init; }

    /// <summary>Samples of each prompt.</summary>
    public required int SampleCount { get; init; }

    public required bool IsStreamed { get; init; }

    public required bool IncludesUsage { get; init; }

    public required IReadOnlyList<string> StopStrings { get; init; }

    public required IReadOnlyList<int> StopTokenIds { get; init; }

    /// <summary>Null: the endpoint's default.</summary>
    public required int? MaxTokens { get; init; }

    public required int MinTokens { get; init; }

    public required bool IgnoresEos { get; init; }

    public required bool ReturnsTokenIds { get; init; }

    public required TimeSpan? Deadline { get; init; }

    /// <param name="body">The request.</param>
    /// <param name="headers">May hold the deadline.</param>
    /// <param name="defaults">The model's own sampling defaults.</param>
    /// <param name="drawSeed">For a request without a seed.</param>
    /// <exception cref="ApiException">The first field that is wrong.</exception>
    public static GenerationFields Read(RequestBody body, IHeaderDictionary headers, GenerationDefaults defaults, Func<ulong> drawSeed)
    {
        bool isStreamed = body.Flag("stream");
        int samples = body.Integer("n", 1, MaxSamples) ?? 1;
        if (body.Integer("best_of") is { } bestOf && bestOf != samples)
            throw ApiException.Unsupported("best_of", $"Unsupported parameter: 'best_of' other than n ({samples}) is not supported by this server; leave it out.");
        return new GenerationFields
        {
            Sampling = ReadSampling(body, defaults, drawSeed),
            SampleCount = samples,
            IsStreamed = isStreamed,
            IncludesUsage = ReadIncludesUsage(body, isStreamed),
            StopStrings = ReadStopStrings(body),
            StopTokenIds = body.TokenIds("stop_token_ids"),
            MaxTokens = ReadMaxTokens(body),
            MinTokens = body.Integer("min_tokens") ?? 0,
            IgnoresEos = body.Flag("ignore_eos"),
            ReturnsTokenIds = body.Flag("return_token_ids"),
            Deadline = ReadDeadline(body, headers),
        };
    }

    private static SamplingParameters ReadSampling(RequestBody body, GenerationDefaults model, Func<ulong> drawSeed)
    {
        GenerationDefaults defaults = SetOfTheModel.Any(name => body.Find(name) is not null) ? GenerationDefaults.OpenAi : model;
        return new SamplingParameters
        {
            Temperature = body.Number("temperature") ?? defaults.Temperature,
            // -1 is how vLLM spells "all".
            TopK = (body.Integer("top_k") ?? defaults.TopK) is var topK && topK == -1 ? 0 : topK,
            TopP = body.Number("top_p") is { } topP ? (topP == 0 ? SmallestTopP : topP) : defaults.TopP,
            MinP = body.Number("min_p") ?? defaults.MinP,
            RepetitionPenalty = body.Number("repetition_penalty") ?? defaults.RepetitionPenalty,
            PresencePenalty = body.Number("presence_penalty") ?? 0,
            FrequencyPenalty = body.Number("frequency_penalty") ?? 0,
            LogitBias = ReadLogitBias(body),
            Seed = ReadSeed(body) ?? drawSeed(),
        };
    }

    private static ulong? ReadSeed(RequestBody body)
    {
        if (body.Find("seed") is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long signed))
            return unchecked((ulong)signed);
        if (value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out ulong unsigned))
            return unsigned;
        throw ApiException.WrongType("seed", "an integer of 64 bits", RequestBody.Describe(value));
    }

    private static Dictionary<int, float> ReadLogitBias(RequestBody body)
    {
        var biases = new Dictionary<int, float>();
        if (body.Find("logit_bias") is not { } value)
            return biases;
        if (value.ValueKind != JsonValueKind.Object)
            throw ApiException.WrongType("logit_bias", "an object from token ids to numbers", RequestBody.Describe(value));
        foreach (JsonProperty member in value.EnumerateObject())
        {
            if (!int.TryParse(member.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int token))
                throw ApiException.Invalid("logit_bias", $"'logit_bias' has the key '{member.Name}', which is not a token id.");
            biases[token] = RequestBody.NumberOf(member.Value, "logit_bias");
        }

        return biases;
    }

    private static bool ReadIncludesUsage(RequestBody body, bool isStreamed)
    {
        if (body.Find("stream_options") is not { } options)
            return false;
        if (!isStreamed)
            throw ApiException.Invalid("stream_options", "'stream_options' is only allowed where 'stream' is true.");
        if (options.ValueKind != JsonValueKind.Object)
            throw ApiException.WrongType("stream_options", "an object", RequestBody.Describe(options));
        bool includesUsage = false;
        foreach (JsonProperty option in options.EnumerateObject())
        {
            string name = $"stream_options.{option.Name}";
            bool value = option.Value.ValueKind switch
            {
                JsonValueKind.True => true,
                JsonValueKind.False or JsonValueKind.Null => false,
                _ => throw ApiException.WrongType(name, "true or false", RequestBody.Describe(option.Value)),
            };
            if (option.Name == "include_usage")
                includesUsage = value;
            else if (option.Name != "include_obfuscation")
                throw ApiException.Unknown(name);
            else if (value)
                throw ApiException.Unsupported(name, $"Unsupported parameter: '{name}' is not supported by this server; leave it out.");
        }

        return includesUsage;
    }

    private static IReadOnlyList<string> ReadStopStrings(RequestBody body)
    {
        if (body.Find("stop") is not { } value)
            return [];
        JsonElement[] entries = value.ValueKind switch
        {
            JsonValueKind.String => [value],
            JsonValueKind.Array => [.. value.EnumerateArray()],
            _ => throw ApiException.WrongType("stop", "a string or a list of strings", RequestBody.Describe(value)),
        };
        if (entries.Length > MaxStopStrings)
            throw ApiException.Invalid("stop", $"'stop' has {entries.Length} entries; at most {MaxStopStrings} are allowed.");
        foreach (JsonElement entry in entries)
        {
            if (entry.ValueKind != JsonValueKind.String)
                throw ApiException.WrongType("stop", "a string or a list of strings", RequestBody.Describe(entry));
            if (entry.GetString()!.Length == 0)
                throw ApiException.Invalid("stop", "'stop' has an empty string, which would stop everything; leave it out.");
        }

        return [.. entries.Select(entry => entry.GetString()!)];
    }

    private static int? ReadMaxTokens(RequestBody body)
    {
        int? older = body.Integer("max_tokens", 1, int.MaxValue);
        int? newer = body.Integer("max_completion_tokens", 1, int.MaxValue);
        return older is null || newer is null || older == newer
            ? newer ?? older
            : throw ApiException.Invalid("max_tokens", "'max_tokens' and 'max_completion_tokens' differ; they are two names of one limit, so give one.");
    }

    private static TimeSpan? ReadDeadline(RequestBody body, IHeaderDictionary headers)
    {
        int? ms = body.Integer("timeout_ms", 1, MaxTimeoutMs);
        if (headers.TryGetValue(TimeoutHeader, out Microsoft.Extensions.Primitives.StringValues header))
        {
            if (!int.TryParse(header.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out int fromHeader) || fromHeader is < 1 or > MaxTimeoutMs)
                throw ApiException.Invalid(TimeoutHeader, $"The header {TimeoutHeader} must be a number of milliseconds between 1 and {MaxTimeoutMs}, found '{header}'.");
            ms = Math.Min(ms ?? fromHeader, fromHeader);
        }

        return ms is { } value ? TimeSpan.FromMilliseconds(value) : null;
    }
}
