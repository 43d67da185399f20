using System.Net;
using System.Text.Json;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.OpenAi;

/// <summary>chat_template_kwargs: what it sets is what the template sees, and what it may not set is refused.</summary>
public sealed class TemplateVariablesTests : IAsyncLifetime
{
    // As Qwen3 has it, with one more variable of each kind of value.
    private const string Template =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
        + "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{{ effort | default('') }}{{ options | tojson if options is defined else '' }}{{ eos_token }}";

    private TestServer _server = null!;
    private FakeNode _expert = null!;
    private FakeAttentionNode _node = null!;
    private string _folder = "";

    public async ValueTask InitializeAsync()
    {
        _folder = TestModel.CopyWith("chat_template.jinja", Template);
        _server = await TestServer.StartAsync(folder: _folder);
        _expert = await FakeNode.ExpertAsync(_server);
        _node = await FakeAttentionNode.AttachAsync(_server);
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        await _expert.DisposeAsync();
        await _server.DisposeAsync();
        Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData(", \"chat_template_kwargs\": null", "")]
    [InlineData(", \"chat_template_kwargs\": {}", "")]
    [InlineData(", \"chat_template_kwargs\": {\"enable_thinking\": true}", "")]
    [InlineData(", \"chat_template_kwargs\": {\"enable_thinking\": false}", "<think>\n\n</think>\n\n")]
    [InlineData(", \"chat_template_kwargs\": {\"effort\": \"high é\", \"unknown\": 1}", "high é")]
    [InlineData(", \"chat_template_kwargs\": {\"options\": {\"b\": [1, 2.5, null], \"a\": true}}", "{\"b\": [1, 2.5, null], \"a\": true}")]
    public async Task Variables_ReachTheTemplate_AtBothEndpoints(string more, string expected)
    {
        string body = $$"""{"messages": [{"role": "user", "content": "Hi"}]{{more}}}""";
        string prompt = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n" + expected + "<|im_end|>";
        int[] tokens = ChatCompletionsTests.Ints((await _server.AnswerAsync("/tokenize", body)).GetProperty("tokens"));
        JsonElement text = await _server.AnswerAsync("/detokenize", JsonSerializer.Serialize(new { tokens }));
        Assert.Equal(prompt, text.GetProperty("prompt").GetString());
        JsonElement chat = await _server.AnswerAsync("/v1/chat/completions", body[..^1] + ", \"max_tokens\": 1, \"return_token_ids\": true}");
        Assert.Equal(tokens, ChatCompletionsTests.Ints(chat.GetProperty("prompt_token_ids")));
    }

    [Fact]
    public async Task LastMessage_LeftOpen_IsWhereThePromptEnds()
    {
        const string Messages = """{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well, "}]""";
        JsonElement open = await _server.AnswerAsync("/tokenize", Messages + ", \"add_generation_prompt\": false, \"continue_final_message\": true}");
        JsonElement text = await _server.AnswerAsync("/detokenize", JsonSerializer.Serialize(new { tokens = ChatCompletionsTests.Ints(open.GetProperty("tokens")) }));
        Assert.Equal("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nWell, ", text.GetProperty("prompt").GetString());
        JsonElement chat = await _server.AnswerAsync(
            "/v1/chat/completions", Messages + ", \"add_generation_prompt\": false, \"continue_final_message\": true, \"max_tokens\": 1, \"return_token_ids\": true}");
        Assert.Equal(ChatCompletionsTests.Ints(open.GetProperty("tokens")), ChatCompletionsTests.Ints(chat.GetProperty("prompt_token_ids")));
        await RefusedAsync("/v1/chat/completions", Messages + ", \"continue_final_message\": true}", "continue_final_message", "invalid_value");
    }

    [Theory]
    [InlineData("[]", "chat_template_kwargs", "invalid_type")]
    [InlineData("\"enable_thinking\"", "chat_template_kwargs", "invalid_type")]
    [InlineData("true", "chat_template_kwargs", "invalid_type")]
    [InlineData("{\"tools\": []}", "chat_template_kwargs.tools", "unsupported_parameter")]
    [InlineData("{\"messages\": []}", "chat_template_kwargs.messages", "unsupported_parameter")]
    [InlineData("{\"documents\": [{}]}", "chat_template_kwargs.documents", "unsupported_parameter")]
    [InlineData("{\"add_generation_prompt\": false}", "chat_template_kwargs.add_generation_prompt", "unsupported_parameter")]
    [InlineData("{\"a\": 1, \"a\": 2}", null, "invalid_json")]
    [InlineData("{\"\\ud800\": 1}", null, "invalid_json")]
    [InlineData("{\"effort\": \"\\udc00\"}", null, "invalid_json")]
    public async Task Variables_Wrong_AreRefusedInShape(string value, string? param, string code)
    {
        foreach (string path in (string[])["/v1/chat/completions", "/tokenize"])
            await RefusedAsync(path, $$"""{"messages": [{"role": "user", "content": "Hi"}], "chat_template_kwargs": {{value}}}""", param, code);
    }

    [Fact]
    public async Task Variables_TooLargeOrTooDeep_AreRefused()
    {
        string large = $$"""{"a": "{{new string('x', 65 * 1024)}}"}""";
        await RefusedAsync("/v1/chat/completions", $$"""{"messages": [{"role": "user", "content": "Hi"}], "chat_template_kwargs": {{large}}}""", "chat_template_kwargs", "invalid_value");
        string deep = "{\"a\": " + new string('[', 100) + new string(']', 100) + "}";
        await RefusedAsync("/v1/chat/completions", $$"""{"messages": [{"role": "user", "content": "Hi"}], "chat_template_kwargs": {{deep}}}""", null, "invalid_json");
    }

    private async Task RefusedAsync(string path, string body, string? param, string code)
    {
        JsonElement error = (await _server.AnswerAsync(path, body, HttpStatusCode.BadRequest)).GetProperty("error");
        Assert.Equal((param, code, "invalid_request_error"), (error.GetProperty("param").GetString(), error.GetProperty("code").GetString(), error.GetProperty("type").GetString()));
    }
}
