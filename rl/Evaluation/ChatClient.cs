using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace MegaInfer.Rl.Evaluation;

/// <summary>Asks a server through OpenAI's chat completions. Thread safe.</summary>
internal sealed class ChatClient : IDisposable
{
    private const int MostTokens = 160;
    private const int MostAttempts = 20;
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(200);

    private readonly HttpClient _http;
    private readonly string _url;

    private ChatClient(string url, string? apiKey, string model)
    {
        _url = url.TrimEnd('/');
        _http = new HttpClient { Timeout = RequestTimeout };
        if (apiKey is not null)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
        Model = model;
    }

    /// <summary>The model asked for.</summary>
    public string Model { get; private set; }

    /// <summary>Connects; without a model name the first of <c>/v1/models</c> is taken.</summary>
    /// <exception cref="EvaluationException">No server answers, or it names no model.</exception>
    public static async Task<ChatClient> ConnectAsync(string url, string? apiKey, string? model, CancellationToken cancellation)
    {
        ChatClient client = new(url, apiKey, model ?? "");
        if (model is null)
        {
            JsonElement models = await client.ReadAsync(() => client._http.GetAsync(client._url + "/v1/models", cancellation), cancellation);
            if (!models.TryGetProperty("data", out JsonElement data) || data.GetArrayLength() == 0)
                throw new EvaluationException($"{url} lists no models; name one with --model.");
            client.Model = data[0].GetProperty("id").GetString()!;
        }
        return client;
    }

    /// <summary>The texts of <paramref name="samples"/> replies to one question.</summary>
    /// <exception cref="EvaluationException">The server refused or was lost.</exception>
    public async Task<string[]> AskAsync(string question, int samples, double temperature, long seed, CancellationToken cancellation)
    {
        Dictionary<string, object> body = new()
        {
            ["model"] = Model,
            ["messages"] = new[] { new { role = "user", content = question } },
            ["max_tokens"] = MostTokens,
            ["temperature"] = temperature,
            ["top_p"] = 1.0,
            ["n"] = samples,
            ["seed"] = seed,
        };
        JsonElement answer = await ReadAsync(() => _http.PostAsJsonAsync(_url + "/v1/chat/completions", body, cancellation), cancellation);
        string[] replies = [.. answer.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("message").GetProperty("content").GetString() ?? "")];
        return replies.Length == samples ? replies : throw new EvaluationException($"The server returned {replies.Length} choices where {samples} were asked for.");
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    // A full server says 503 or 429 and when to come back.
    private async Task<JsonElement> ReadAsync(Func<Task<HttpResponseMessage>> send, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                using HttpResponseMessage response = await send();
                if (response.IsSuccessStatusCode)
                    return await response.Content.ReadFromJsonAsync<JsonElement>(cancellation);
                bool isBusy = response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests;
                if (!isBusy || attempt == MostAttempts)
                    throw new EvaluationException($"{_url} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellation)}");
                await Task.Delay(response.Headers.RetryAfter?.Delta ?? ShortestPause, cancellation);
            }
            catch (HttpRequestException failure)
            {
                throw new EvaluationException($"{_url} cannot be reached ({failure.Message}); start a server or leave --url out.");
            }
            catch (JsonException failure)
            {
                throw new EvaluationException($"{_url} answered with something other than JSON: {failure.Message}");
            }
            catch (TaskCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw new EvaluationException($"{_url} did not answer within {RequestTimeout.TotalMinutes} minutes.");
            }
        }
    }
}
