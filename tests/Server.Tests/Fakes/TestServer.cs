using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using MegaInfer.Server.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace MegaInfer.Server.Tests.Fakes;

/// <summary>A real server in this process, on ports the system chose, whose clock and identities belong to the test. Nodes are fakes that join.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    // Only reached when something hangs.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly ServerHost _host;
    private readonly StringWriter _log;

    private TestServer(ServerHost host, FakeTimeProvider time, StringWriter log)
    {
        _host = host;
        _log = log;
        Time = time;
        Http = new HttpClient { BaseAddress = new Uri($"http://{host.Address(Listener.Http)}"), Timeout = Bound };
    }

    public FakeTimeProvider Time { get; }

    public HttpClient Http { get; }

    public ServerParts Parts => _host.Parts;

    public string Control => _host.Address(Listener.Control);

    public string Grpc => _host.Address(Listener.Grpc);

    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    public static async Task<TestServer> StartAsync(ServeOptions? options = null, string? folder = null)
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var log = new StringWriter(CultureInfo.InvariantCulture);
        ulong drawn = 0;
        var environment = new HostEnvironment
        {
            Time = time,
            Log = TextWriter.Synchronized(log),
            StartsChildren = false,
            Identities = new IdentitySource(() => Interlocked.Increment(ref drawn)),
        };
        ServeOptions chosen = (options ?? new ServeOptions()) with { Model = folder ?? TestModel.Folder, Http = "127.0.0.1:0", Grpc = "127.0.0.1:0", Control = "127.0.0.1:0" };
        return new TestServer(await ServerHost.StartAsync(chosen, environment, CancellationToken.None), time, log);
    }

    /// <summary>Waits for something that another thread is about to do.</summary>
    public async Task UntilAsync(Func<bool> condition)
    {
        long started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started) > Bound)
                throw new TimeoutException($"It did not happen. The server said:\n{Log}");
            await Task.Delay(1);
        }
    }

    public Task<HttpResponseMessage> PostAsync(string path, string json, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>Posts and reads a JSON answer of the expected status.</summary>
    public async Task<JsonElement> AnswerAsync(string path, string json, HttpStatusCode status = HttpStatusCode.OK)
    {
        using HttpResponseMessage response = await PostAsync(path, json);
        string text = await response.Content.ReadAsStringAsync();
        Xunit.Assert.True(response.StatusCode == status, $"{(int)response.StatusCode}: {text}\n{Log}");
        return JsonDocument.Parse(text).RootElement;
    }

    public Task StopAsync() => _host.StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _host.DisposeAsync();
    }
}
