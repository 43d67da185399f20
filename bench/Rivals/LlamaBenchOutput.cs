using System.Text.Json;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Rivals;

/// <summary>What <c>llama-bench -o json</c> prints: a list of tests, each with its average speed over the repetitions.</summary>
internal static class LlamaBenchOutput
{
    private const int QuotedLength = 200;

    /// <summary>The mean prefill speed of the one test; tokens per second.</summary>
    /// <exception cref="MegaInferException">The output has another form, or tells of another test; with the text in question.</exception>
    public static double PrefillSpeed(string output, int tokens, int threads)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(output);
            JsonElement test = json.RootElement.GetArrayLength() == 1 ? json.RootElement[0] : throw Unlike(output, "one test");
            foreach ((string field, int expected) in new[] { ("n_prompt", tokens), ("n_gen", 0), ("n_threads", threads) })
            {
                if (test.GetProperty(field).GetInt32() != expected)
                    throw Unlike($"\"{field}\": {test.GetProperty(field)}", $"{expected}");
            }

            double speed = test.GetProperty("avg_ts").GetDouble();
            return speed > 0 ? speed : throw Unlike($"\"avg_ts\": {speed}", "a speed");
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw Unlike(output, "its JSON");
        }
    }

    private static MegaInferException Unlike(string text, string expected)
    {
        string start = text.Trim();
        return new MegaInferException($"llama-bench printed something else than {expected}: '{start[..Math.Min(start.Length, QuotedLength)]}'");
    }
}
