using System.Text.Json;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;

namespace MegaInfer.Server.Hosting;

/// <summary>
/// Sampling over HTTP where a request says nothing about it: what the model's generation_config.json states, else OpenAI's defaults (temperature 1, nothing
/// cut). The file states a set that belongs together, so a request that states any part of it gets OpenAI's defaults for the rest, and then the same tokens as over gRPC,
/// whose defaults are in the proto files.
/// </summary>
internal sealed record GenerationDefaults
{
    /// <summary>OpenAI's, and those of the proto files.</summary>
    public static GenerationDefaults OpenAi { get; } = new();

    public float Temperature { get; init; } = 1;

    public int TopK { get; init; }

    public float TopP { get; init; } = 1;

    public float MinP { get; init; }

    public float RepetitionPenalty { get; init; } = 1;

    /// <exception cref="MegaInferException">The file is there and is not JSON, or a value is not a number.</exception>
    public static GenerationDefaults Read(string folder)
    {
        string path = Path.Combine(folder, ModelConfig.GenerationFileName);
        if (!File.Exists(path))
            return new GenerationDefaults();
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement root = document.RootElement;
            // do_sample = false is how such files say greedy, whatever temperature stands beside it.
            bool isGreedy = root.TryGetProperty("do_sample", out JsonElement sample) && sample.ValueKind == JsonValueKind.False;
            return new GenerationDefaults
            {
                Temperature = isGreedy ? 0 : Number(root, "temperature", 1),
                TopK = (int)Number(root, "top_k", 0),
                TopP = Number(root, "top_p", 1),
                MinP = Number(root, "min_p", 0),
                RepetitionPenalty = Number(root, "repetition_penalty", 1),
            };
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or IOException or FormatException)
        {
            throw new MegaInferException($"{path} cannot be read: {error.Message}", error);
        }
    }

    private static float Number(JsonElement root, string name, float absent) =>
        root.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value.GetSingle() : absent;
}
