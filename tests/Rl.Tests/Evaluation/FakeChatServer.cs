using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace MegaInfer.Rl.Tests.Evaluation;

/// <summary>A server that knows the answers: every second sample of a hard question is wrong, and the first request finds it full.</summary>
internal sealed class FakeChatServer : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Func<string, int, string> _answer;
    private int _requests;

    public FakeChatServer(Func<string, int, string> answer)
    {
        _answer = answer;
        using TcpListener free = new(IPAddress.Loopback, 0);
        free.Start();
        Url = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}";
        free.Stop();
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _ = ServeAsync();
    }

    public string Url { get; }

    public int Requests => _requests;

    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception failure) when (failure is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            Answer(context);
        }
    }

    private void Answer(HttpListenerContext context)
    {
        object body;
        if (context.Request.Url!.AbsolutePath == "/v1/models")
        {
            body = new { data = new[] { new { id = "fake" } } };
        }
        else if (_requests++ == 0)
        {
            context.Response.StatusCode = 503;
            context.Response.Headers["Retry-After"] = "0";
            body = new { error = new { message = "full" } };
        }
        else
        {
            JsonElement asked = JsonDocument.Parse(context.Request.InputStream).RootElement;
            string question = asked.GetProperty("messages")[0].GetProperty("content").GetString()!;
            body = new
            {
                choices = Enumerable.Range(0, asked.GetProperty("n").GetInt32())
                    .Select(i => new { index = i, message = new { role = "assistant", content = _answer(question, i) } }),
            };
        }
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(body);
        context.Response.ContentType = "application/json";
        context.Response.Close(bytes, willBlock: true);
    }
}
