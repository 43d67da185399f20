using System.Net;
using System.Text.Json;
using MegaInfer.Server.OpenAi;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.OpenAi;

/// <summary>Whatever is wrong is answered in OpenAI's shape, with the right status, the field and a code.</summary>
public sealed class RefusalTests(OneServer one) : IClassFixture<OneServer>
{
    private const string Chat = "/v1/chat/completions";
    private const string Completions = "/v1/completions";

    private TestServer Server => one.Server;

    [Theory]
    [InlineData("""{"messages": [""", null, "invalid_json")]
    [InlineData("[]", null, "invalid_json")]
    [InlineData("""{"messages": [{"role": "user", "content": "a\ud83d"}]}""", null, "invalid_json")]
    [InlineData("""{"messages": [{"role": "user", "content": "\ude00\ud83d"}]}""", null, "invalid_json")]
    [InlineData("""{"messages": [{"\ud800": "user", "content": "a"}]}""", null, "invalid_json")]
    [InlineData("", null, "invalid_json")]
    [InlineData("""{"model": "tiny"}""", "messages", "missing_required_parameter")]
    [InlineData("""{"messages": []}""", "messages", "invalid_value")]
    [InlineData("""{"messages": "hi"}""", "messages", "invalid_type")]
    [InlineData("""{"messages": [{"content": "hi"}]}""", "messages[0].role", "missing_required_parameter")]
    [InlineData("""{"messages": [{"role": "user"}]}""", "messages[0].content", "missing_required_parameter")]
    [InlineData("""{"messages": [{"role": "king", "content": "hi"}]}""", "messages[0].role", "invalid_value")]
    [InlineData("""{"messages": [{"role": "tool", "content": "hi"}]}""", "messages[0].role", "unsupported_parameter")]
    [InlineData("""{"messages": [{"role": "user", "content": 3}]}""", "messages[0].content", "invalid_type")]
    [InlineData("""{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}""", "messages[0].content[0].type", "unsupported_parameter")]
    [InlineData("""{"messages": [{"role": "user", "content": "hi", "name": "Ann"}]}""", "messages[0].name", "unsupported_parameter")]
    [InlineData("""{"messages": [{"role": "user", "content": "hi", "mood": "good"}]}""", "messages[0].mood", "unknown_parameter")]
    public async Task Chat_WrongBody_NamesTheField(string body, string? param, string code) => await ExpectAsync(Chat, body, HttpStatusCode.BadRequest, param, code);

    [Theory]
    [InlineData("\"temprature\": 1", "temprature", "unknown_parameter")]
    [InlineData("\"prompt\": \"x\"", "prompt", "unknown_parameter")]
    [InlineData("\"temperature\": \"hot\"", "temperature", "invalid_type")]
    [InlineData("\"temperature\": -1", "temperature", "invalid_value")]
    [InlineData("\"temperature\": 1e300", "temperature", "invalid_value")]
    [InlineData("\"top_p\": 1.5", "top_p", "invalid_value")]
    [InlineData("\"top_k\": -2", "top_k", "invalid_value")]
    [InlineData("\"min_p\": 2", "min_p", "invalid_value")]
    [InlineData("\"presence_penalty\": 3", "presence_penalty", "invalid_value")]
    [InlineData("\"frequency_penalty\": -3", "frequency_penalty", "invalid_value")]
    [InlineData("\"repetition_penalty\": 0", "repetition_penalty", "invalid_value")]
    [InlineData("\"n\": 0", "n", "invalid_value")]
    [InlineData("\"n\": 129", "n", "invalid_value")]
    [InlineData("\"n\": 1.5", "n", "invalid_type")]
    [InlineData("\"max_tokens\": 0", "max_tokens", "invalid_value")]
    [InlineData("\"max_tokens\": 5, \"max_completion_tokens\": 6", "max_tokens", "invalid_value")]
    [InlineData("\"max_tokens\": 5, \"min_tokens\": 6", "min_tokens", "invalid_value")]
    [InlineData("\"stop\": [\"a\", \"b\", \"c\", \"d\", \"e\"]", "stop", "invalid_value")]
    [InlineData("\"stop\": \"\"", "stop", "invalid_value")]
    [InlineData("\"stop\": [1]", "stop", "invalid_type")]
    [InlineData("\"stop_token_ids\": [512]", "stop_token_ids", "invalid_value")]
    [InlineData("\"logit_bias\": {\"a\": 1}", "logit_bias", "invalid_value")]
    [InlineData("\"logit_bias\": {\"1\": 101}", "logit_bias", "invalid_value")]
    [InlineData("\"logit_bias\": {\"600\": 1}", "logit_bias", "invalid_value")]
    [InlineData("\"logit_bias\": [1]", "logit_bias", "invalid_type")]
    [InlineData("\"seed\": 1.5", "seed", "invalid_type")]
    [InlineData("\"seed\": \"x\"", "seed", "invalid_type")]
    [InlineData("\"stream\": 1", "stream", "invalid_type")]
    [InlineData("\"stream_options\": {\"include_usage\": true}", "stream_options", "invalid_value")]
    [InlineData("\"stream\": true, \"stream_options\": {\"speed\": true}", "stream_options.speed", "unknown_parameter")]
    [InlineData("\"stream\": true, \"stream_options\": {\"include_obfuscation\": true}", "stream_options.include_obfuscation", "unsupported_parameter")]
    [InlineData("\"logprobs\": 3", "logprobs", "invalid_type")]
    [InlineData("\"top_logprobs\": 2", "top_logprobs", "invalid_value")]
    [InlineData("\"logprobs\": true, \"top_logprobs\": 21", "top_logprobs", "invalid_value")]
    [InlineData("\"timeout_ms\": 0", "timeout_ms", "invalid_value")]
    [InlineData("\"user\": \"a\", \"user\": \"b\"", null, "invalid_json")]
    [InlineData("\"tools\": [{\"type\": \"function\"}]", "tools", "unsupported_parameter")]
    [InlineData("\"tool_choice\": \"auto\"", "tool_choice", "unsupported_parameter")]
    [InlineData("\"functions\": [{}]", "functions", "unsupported_parameter")]
    [InlineData("\"function_call\": \"auto\"", "function_call", "unsupported_parameter")]
    [InlineData("\"response_format\": {\"type\": \"json_object\"}", "response_format", "unsupported_parameter")]
    [InlineData("\"response_format\": {\"type\": \"json_schema\", \"json_schema\": {}}", "response_format", "unsupported_parameter")]
    [InlineData("\"audio\": {}", "audio", "unsupported_parameter")]
    [InlineData("\"modalities\": [\"text\", \"audio\"]", "modalities", "unsupported_parameter")]
    [InlineData("\"prediction\": {}", "prediction", "unsupported_parameter")]
    [InlineData("\"web_search_options\": {}", "web_search_options", "unsupported_parameter")]
    [InlineData("\"reasoning_effort\": \"high\"", "reasoning_effort", "unsupported_parameter")]
    [InlineData("\"verbosity\": \"low\"", "verbosity", "unsupported_parameter")]
    [InlineData("\"store\": true", "store", "unsupported_parameter")]
    [InlineData("\"service_tier\": \"priority\"", "service_tier", "unsupported_parameter")]
    public async Task Chat_WrongParameter_IsNamed(string parameter, string? param, string code) =>
        await ExpectAsync(Chat, ChatCompletionsTests.Body(", " + parameter), HttpStatusCode.BadRequest, param, code);

    [Theory]
    [InlineData("{}", "prompt", "missing_required_parameter")]
    [InlineData("""{"prompt": []}""", "prompt", "invalid_value")]
    [InlineData("""{"prompt": ""}""", "prompt", "invalid_value")]
    [InlineData("""{"prompt": {}}""", "prompt", "invalid_type")]
    [InlineData("""{"prompt": ["a", 1]}""", "prompt[1]", "invalid_type")]
    [InlineData("""{"prompt": [1, "a"]}""", "prompt", "invalid_type")]
    [InlineData("""{"prompt": [512]}""", "prompt", "invalid_value")]
    [InlineData("""{"prompt": [-1]}""", "prompt", "invalid_value")]
    [InlineData("""{"prompt": "x", "messages": []}""", "messages", "unknown_parameter")]
    [InlineData("""{"prompt": "x", "suffix": "y"}""", "suffix", "unsupported_parameter")]
    [InlineData("""{"prompt": "x", "best_of": 2}""", "best_of", "unsupported_parameter")]
    [InlineData("""{"prompt": "x", "echo": true, "logprobs": 1}""", "echo", "unsupported_parameter")]
    [InlineData("""{"prompt": "x", "logprobs": 21}""", "logprobs", "invalid_value")]
    [InlineData("""{"prompt": "x", "logprobs": true}""", "logprobs", "invalid_type")]
    [InlineData("""{"prompt": "x", "tools": []}""", "tools", "unknown_parameter")]
    public async Task Completions_Wrong_NamesTheField(string body, string param, string code) =>
        await ExpectAsync(Completions, body, HttpStatusCode.BadRequest, param, code);

    [Fact]
    public async Task Prompt_OverTheContext_IsContextLengthExceeded()
    {
        string body = JsonSerializer.Serialize(new { prompt = Enumerable.Repeat(65, TestModel.ContextLength) });
        await ExpectAsync(Completions, body, HttpStatusCode.BadRequest, "prompt", "context_length_exceeded");
        string chat = JsonSerializer.Serialize(new { messages = new[] { new { role = "user", content = new string('a', TestModel.ContextLength) } } });
        await ExpectAsync(Chat, chat, HttpStatusCode.BadRequest, "messages", "context_length_exceeded");
    }

    [Theory]
    [InlineData(Chat, """{"model": "other", "messages": [{"role": "user", "content": "hi"}]}""")]
    [InlineData(Completions, """{"model": "other", "prompt": "x"}""")]
    [InlineData("/tokenize", """{"model": "other", "prompt": "x"}""")]
    public async Task Model_Unknown_IsNotFound(string path, string body) => await ExpectAsync(path, body, HttpStatusCode.NotFound, "model", "model_not_found");

    [Fact]
    public async Task Url_Unknown_IsNotFoundInShape()
    {
        await ExpectAsync("/v1/images/generations", "{}", HttpStatusCode.NotFound, null, "unknown_url");
        using HttpResponseMessage get = await Server.Http.GetAsync(Chat);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, get.StatusCode);
        Assert.Equal("method_not_allowed", Error(await get.Content.ReadAsStringAsync()).GetProperty("code").GetString());
        using HttpResponseMessage model = await Server.Http.GetAsync("/v1/models/other");
        Assert.Equal(HttpStatusCode.NotFound, model.StatusCode);
        Assert.Equal("model_not_found", Error(await model.Content.ReadAsStringAsync()).GetProperty("code").GetString());
    }

    [Fact]
    public async Task Body_TooLarge_Is413()
    {
        string body = $$"""{"prompt": "{{new string('a', 33 << 20)}}"}""";
        // Told before it sends, as curl does with large bodies; the server does not read on just to be polite.
        using var request = new HttpRequestMessage(HttpMethod.Post, Completions) { Content = new StringContent(body) };
        request.Headers.ExpectContinue = true;
        using HttpResponseMessage response = await Server.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal("request_too_large", Error(await response.Content.ReadAsStringAsync()).GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("X-Request-Id", "has space")]
    [InlineData("X-Request-Timeout-Ms", "soon")]
    [InlineData("X-Request-Timeout-Ms", "0")]
    public async Task Header_Wrong_IsNamed(string header, string value)
    {
        using HttpResponseMessage response = await Server.PostAsync(Chat, ChatCompletionsTests.Body(), (header, value));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(header, Error(await response.Content.ReadAsStringAsync()).GetProperty("param").GetString());
    }

    [Fact]
    public void ParameterTable_HasEveryDocumentedParameter()
    {
        // The request bodies of OpenAI's API reference.
        string[] chat =
        [
            "messages", "model", "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "metadata", "modalities", "n",
            "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop",
            "store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
        ];
        string[] completions =
        [
            "model", "prompt", "best_of", "echo", "frequency_penalty", "logit_bias", "logprobs", "max_tokens", "n", "presence_penalty", "seed", "stop", "stream", "stream_options", "suffix", "temperature",
            "top_p", "user",
        ];
        Assert.All(chat, name => Assert.Contains(ParameterTable.All, parameter => parameter.Name == name && parameter.Endpoints.HasFlag(ApiEndpoint.Chat)));
        Assert.All(completions, name => Assert.Contains(ParameterTable.All, parameter => parameter.Name == name && parameter.Endpoints.HasFlag(ApiEndpoint.Completions)));
    }

    internal static JsonElement Error(string text)
    {
        JsonElement error = JsonDocument.Parse(text).RootElement.GetProperty("error");
        Assert.Equal(["code", "message", "param", "type"], error.EnumerateObject().Select(property => property.Name).Order());
        Assert.DoesNotContain("   at ", error.GetProperty("message").GetString()!, StringComparison.Ordinal);
        return error;
    }

    private async Task ExpectAsync(string path, string body, HttpStatusCode status, string? param, string code)
    {
        using HttpResponseMessage response = await Server.PostAsync(path, body);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(status == response.StatusCode, text);
        JsonElement error = Error(text);
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.Equal(param, error.GetProperty("param").GetString());
        if (param is not null)
            Assert.Contains(param.Split('.')[^1], error.GetProperty("message").GetString()!, StringComparison.Ordinal);
    }
}
