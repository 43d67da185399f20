using System.Net;
using System.Text;
using System.Text.Json;
using Xunit;

namespace MegaInfer.EndToEnd;

/// <summary>Over HTTP a mistake is answered in OpenAI's shape, with the right status and the name of what is wrong.</summary>
public sealed class HttpErrorTests(SharedServer shared) : IClassFixture<SharedServer>
{
    [Theory]
    [InlineData("""{"model": "megainfer-mini", "messages": [""", HttpStatusCode.BadRequest, "JSON")]
    [InlineData("""{"model": "other", "messages": [{"role": "user", "content": "hi"}]}""", HttpStatusCode.NotFound, "other")]
    [InlineData("""{"model": "megainfer-mini", "messages": [{"role": "user", "content": "hi"}], "temprature": 1}""", HttpStatusCode.BadRequest, "temprature")]
    [InlineData("""{"model": "megainfer-mini", "messages": [{"role": "user", "content": "hi"}], "temperature": -1}""", HttpStatusCode.BadRequest, "temperature")]
    [InlineData("""{"model": "megainfer-mini", "messages": [{"role": "user", "content": "hi"}], "tools": [{"type": "function"}]}""", HttpStatusCode.BadRequest, "tools")]
    [InlineData("""{"model": "megainfer-mini"}""", HttpStatusCode.BadRequest, "messages")]
    public async Task Chat_Mistake_IsAnsweredInOpenAiShape(string body, HttpStatusCode status, string named)
    {
        JsonElement error = await ErrorAsync("v1/chat/completions", body, status);
        Assert.Contains(named, error.GetProperty("message").GetString()!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completion_PromptOverTheContext_IsContextLengthExceeded()
    {
        string body = JsonSerializer.Serialize(new { model = "megainfer-mini", prompt = Enumerable.Repeat(5, 5000) });
        JsonElement error = await ErrorAsync("v1/completions", body, HttpStatusCode.BadRequest);
        Assert.Equal("context_length_exceeded", error.GetProperty("code").GetString());
    }

    private async Task<JsonElement> ErrorAsync(string path, string body, HttpStatusCode status)
    {
        using var http = new HttpClient { BaseAddress = shared.Server.Http };
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await http.PostAsync(path, content);
        Assert.Equal(status, response.StatusCode);
        JsonElement error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
        Assert.Equal(["code", "message", "param", "type"], error.EnumerateObject().Select(property => property.Name).Order());
        return error;
    }
}
