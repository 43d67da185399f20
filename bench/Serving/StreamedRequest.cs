using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MegaInfer.Bench.Serving;

/// <summary>What a client saw of one streamed completion. Times are on the stopwatch.</summary>
/// <param name="Due">When it was to be sent.</param>
/// <param name="Chunks">When each piece of text came.</param>
/// <param name="Tokens">Generated, as the server counted them.</param>
/// <param name="Failure">Why it did not end well; null: it did.</param>
internal sealed record StreamedRequest(long Due, IReadOnlyList<long> Chunks, int Tokens, string? Failure)
{
    private const string DataPrefix = "data: ";

    /// <summary>Sends one request to an OpenAI-style server and reads its stream to the end.</summary>
    internal static async Task<StreamedRequest> SendAsync(HttpClient client, string model, int[] prompt, int generate, long due, CancellationToken cancel)
    {
        var chunks = new List<long>(generate);
        int tokens = 0;
        try
        {
            using var message = new HttpRequestMessage(HttpMethod.Post, "v1/completions")
            {
                Content = JsonContent.Create(new JsonObject
                {
                    ["model"] = model,
                    ["prompt"] = new JsonArray([.. prompt.Select(id => (JsonNode)id)]),
                    ["max_tokens"] = generate,
                    ["temperature"] = 0,
                    ["ignore_eos"] = true,
                    ["stream"] = true,
                    ["stream_options"] = new JsonObject { ["include_usage"] = true },
                }),
            };
            using HttpResponseMessage response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancel);
            if (!response.IsSuccessStatusCode)
                return new StreamedRequest(due, chunks, 0, $"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancel)}");
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancel));
            while (await reader.ReadLineAsync(cancel) is { } line)
                tokens = Read(line, chunks, tokens);
        }
        catch (Exception error) when (error is HttpRequestException or IOException or JsonException)
        {
            return new StreamedRequest(due, chunks, tokens, error.Message);
        }

        return new StreamedRequest(due, chunks, tokens, tokens == generate ? null : $"{tokens} tokens came instead of {generate}");
    }

    /// <summary>Takes one line of the stream; returns the tokens known so far.</summary>
    internal static int Read(string line, List<long> chunks, int tokens)
    {
        if (!line.StartsWith(DataPrefix, StringComparison.Ordinal) || line.EndsWith("[DONE]", StringComparison.Ordinal))
            return tokens;
        using JsonDocument chunk = JsonDocument.Parse(line.AsMemory(DataPrefix.Length));
        JsonElement root = chunk.RootElement;
        if (root.TryGetProperty("error", out JsonElement error))
            throw new IOException($"The stream ended with an error: {error}");
        if (root.TryGetProperty("choices", out JsonElement choices) && choices.GetArrayLength() > 0 && choices[0].TryGetProperty("text", out JsonElement text) && text.GetString() is { Length: > 0 })
            chunks.Add(Stopwatch.GetTimestamp());
        return root.TryGetProperty("usage", out JsonElement usage) && usage.ValueKind == JsonValueKind.Object ? usage.GetProperty("completion_tokens").GetInt32() : tokens;
    }
}
