using System.Net;
using System.Text.Json;
using MegaInfer.Proto;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.OpenAi;

/// <summary>The shape of chat answers, whole and streamed, and that each parameter reaches the node.</summary>
public sealed class ChatCompletionsTests(OneServer one) : IClassFixture<OneServer>
{
    private const string Path = "/v1/chat/completions";

    // <|im_start|> "user\n" "hi" <|im_end|> "\n" <|im_start|> "assistant\n"
    private static readonly int[] HiPrompt = [257, .. TestModel.Tokens("user\nhi"), 258, 10, 257, .. TestModel.Tokens("assistant\n")];

    private TestServer Server => one.Server;

    [Fact]
    public async Task Whole_Plain_HasEveryField()
    {
        using HttpResponseMessage response = await Server.PostAsync(Path, Body(", \"seed\": 7"), ("X-Request-Id", "abc"));
        string text = await response.Content.ReadAsStringAsync();
        string fingerprint = Fingerprint(text);
        Assert.Equal(
            "{\"object\":\"chat.completion\",\"id\":\"chatcmpl-abc\",\"created\":1767225600,\"model\":\"tiny\",\"system_fingerprint\":\"" + fingerprint
            + "\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hello!\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
            + "\"usage\":{\"prompt_tokens\":21,\"completion_tokens\":7,\"total_tokens\":28,\"prompt_tokens_details\":{\"cached_tokens\":3}},\"seed\":7}",
            text);
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("abc", Assert.Single(response.Headers.GetValues("X-Request-Id")));
        Assert.Equal("7", Assert.Single(response.Headers.GetValues("X-Seed")));
    }

    [Fact]
    public async Task Stream_Plain_IsTheseBytes()
    {
        using HttpResponseMessage response = await Server.PostAsync(
            Path, Body(", \"stream\": true, \"stream_options\": {\"include_usage\": true}, \"max_tokens\": 2"), ("X-Request-Id", "abc"));
        string text = await response.Content.ReadAsStringAsync();
        string head = "{\"object\":\"chat.completion.chunk\",\"id\":\"chatcmpl-abc\",\"created\":1767225600,\"model\":\"tiny\",\"system_fingerprint\":\"" + Fingerprint(text) + "\",";
        Assert.Equal(
            "data: " + head + "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n"
            + "data: " + head + "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"H\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n"
            + "data: " + head + "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"e\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n"
            + "data: " + head + "\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"length\"}],\"usage\":null}\n\n"
            + "data: " + head + "\"choices\":[],\"usage\":{\"prompt_tokens\":21,\"completion_tokens\":2,\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\n"
            + "data: [DONE]\n\n",
            text);
        Assert.Equal("text/event-stream; charset=utf-8", response.Content.Headers.ContentType!.ToString());
    }

    [Fact]
    public async Task Whole_NonAsciiAndSplitCharacters_AreWhole()
    {
        one.Node.Script = _ => [.. TestModel.Tokens("Grüße, 世界 \"<&>\" 🎈"), TestModel.MessageEnd];
        try
        {
            JsonElement answer = await Server.AnswerAsync(Path, Body());
            Assert.Equal("Grüße, 世界 \"<&>\" 🎈", Content(answer));
            Assert.Equal("Grüße, 世界 \"<&>\" 🎈", await StreamedAsync(Body(", \"stream\": true")));
        }
        finally
        {
            one.Node.Script = _ => [.. TestModel.Tokens("Hello!"), TestModel.MessageEnd];
        }
    }

    [Theory]
    [InlineData("\"lo\"", "Hel")]
    [InlineData("[\"xyz\", \"llo!\"]", "He")]
    [InlineData("[\"!\", \"lo\"]", "Hel")]
    [InlineData("\"Hello!?\"", "Hello!")]
    public async Task Stop_AcrossTokenBorders_EndsTheText(string stop, string expected)
    {
        JsonElement answer = await Server.AnswerAsync(Path, Body($", \"stop\": {stop}"));
        Assert.Equal(expected, Content(answer));
        Assert.Equal("stop", answer.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Equal(expected, await StreamedAsync(Body($", \"stop\": {stop}, \"stream\": true")));
    }

    [Fact]
    public async Task StopString_BeforeMinTokens_DoesNotStop()
    {
        JsonElement answer = await Server.AnswerAsync(Path, Body(", \"stop\": \"l\", \"min_tokens\": 3"));
        Assert.Equal("Hel", Content(answer));
    }

    [Fact]
    public async Task StopTokenIds_EndTheTextAndAreNotInIt()
    {
        JsonElement answer = await Server.AnswerAsync(Path, Body(", \"stop_token_ids\": [33], \"return_token_ids\": true"));
        Assert.Equal("Hello", Content(answer));
    }

    [Fact]
    public async Task N_Samples_ArriveByIndex()
    {
        one.Node.Script = start => [.. TestModel.Tokens($"sample {start.SampleIndex}"), TestModel.MessageEnd];
        try
        {
            JsonElement answer = await Server.AnswerAsync(Path, Body(", \"n\": 3, \"seed\": 5"));
            Assert.Equal(["sample 0", "sample 1", "sample 2"], answer.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("message").GetProperty("content").GetString()));
            Assert.Equal(21, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
            Assert.Equal(27, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());

            string[] texts = ["", "", ""];
            await foreach (JsonElement chunk in Sse.ReadAsync(await Server.PostAsync(Path, Body(", \"n\": 3, \"stream\": true"))))
            {
                foreach (JsonElement choice in chunk.GetProperty("choices").EnumerateArray())
                    texts[choice.GetProperty("index").GetInt32()] += choice.GetProperty("delta").TryGetProperty("content", out JsonElement content) ? content.GetString() : "";
            }

            Assert.Equal(["sample 0", "sample 1", "sample 2"], texts);
        }
        finally
        {
            one.Node.Script = _ => [.. TestModel.Tokens("Hello!"), TestModel.MessageEnd];
        }
    }

    [Fact]
    public async Task LogProbs_WithAlternatives_AreRawAndForEachToken()
    {
        JsonElement answer = await Server.AnswerAsync(Path, Body(", \"logprobs\": true, \"top_logprobs\": 2, \"max_tokens\": 2"));
        JsonElement[] content = [.. answer.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content").EnumerateArray()];
        Assert.Equal(2, content.Length);
        // 'H' is byte 72; the fake's log-probability of a token is -(id % 16) / 8 - 1 / 8.
        Assert.Equal(
            "{\"token\":\"H\",\"logprob\":-1.125,\"bytes\":[72],\"top_logprobs\":[{\"token\":\"H\",\"logprob\":-1.125,\"bytes\":[72]},{\"token\":\"I\",\"logprob\":-2.125,\"bytes\":[73]}]}",
            content[0].GetRawText());
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("refusal").ValueKind);
    }

    [Fact]
    public async Task LogProbs_Streamed_AreThoseOfTheWhole()
    {
        JsonElement whole = await Server.AnswerAsync(Path, Body(", \"logprobs\": true, \"top_logprobs\": 1"));
        var streamed = new List<string>();
        await foreach (JsonElement chunk in Sse.ReadAsync(await Server.PostAsync(Path, Body(", \"logprobs\": true, \"top_logprobs\": 1, \"stream\": true"))))
        {
            JsonElement logProbs = chunk.GetProperty("choices")[0].GetProperty("logprobs");
            if (logProbs.ValueKind == JsonValueKind.Object)
                streamed.AddRange(logProbs.GetProperty("content").EnumerateArray().Select(entry => entry.GetRawText()));
        }

        Assert.Equal(whole.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content").EnumerateArray().Select(entry => entry.GetRawText()), streamed);
    }

    [Fact]
    public async Task ReturnTokenIds_GivesPromptAndOutput()
    {
        JsonElement answer = await Server.AnswerAsync(Path, Body(", \"return_token_ids\": true"));
        Assert.Equal(HiPrompt, Ints(answer.GetProperty("prompt_token_ids")));
        Assert.Equal([.. TestModel.Tokens("Hello!"), TestModel.MessageEnd], Ints(answer.GetProperty("choices")[0].GetProperty("token_ids")));
    }

    [Fact]
    public async Task EveryParameter_ReachesTheNode()
    {
        const string more = """
            , "temperature": 0.5, "top_p": 0.75, "top_k": 5, "min_p": 0.25, "repetition_penalty": 1.5, "presence_penalty": -1, "frequency_penalty": 2,
            "logit_bias": {"65": -100, "66": 3.5}, "seed": -1, "max_completion_tokens": 9, "min_tokens": 2, "ignore_eos": true, "stop_token_ids": [1, 2],
            "logprobs": true, "top_logprobs": 4, "timeout_ms": 5000, "user": "me", "metadata": {"a": "b"}, "store": false, "service_tier": "auto", "tools": null,
            "response_format": {"type": "text"}, "tool_choice": "none", "parallel_tool_calls": true, "safety_identifier": "x", "prompt_cache_key": "y", "modalities": ["text"]
            """;
        await Server.AnswerAsync(Path, Body(more));
        StartSequence start = one.Node.Started.OrderBy(pair => pair.Key).Last(pair => pair.Value.Sampling.TopK == 5).Value;
        Assert.Equal(HiPrompt, start.PromptTokens);
        var expected = new Sampling
        {
            Temperature = 0.5f,
            TopP = 0.75f,
            TopK = 5,
            MinP = 0.25f,
            RepetitionPenalty = 1.5f,
            PresencePenalty = -1,
            FrequencyPenalty = 2,
            LogitBias = { { 65, -100 }, { 66, 3.5f } },
            Seed = ulong.MaxValue,
        };
        Assert.Equal(expected, start.Sampling);
        Assert.Equal(new Limits { MaxTokens = 9, MinTokens = 2, IgnoreEos = true, StopTokenIds = { 1, 2 }, DeadlineMs = 5000 }, start.Limits);
        Assert.Equal(4, start.TopLogProbs);
        Assert.Empty(start.ResumedTokens);
    }

    [Fact]
    public async Task Defaults_AreOpenAis_AndTheRestOfTheContext()
    {
        await Server.AnswerAsync(Path, """{"messages": [{"role": "user", "content": "defaults"}]}""");
        StartSequence start = one.Node.Started.Values.Single(sequence => TestModel.Text(sequence.PromptTokens).Contains("defaults", StringComparison.Ordinal));
        Assert.Equal(1, start.Sampling.Temperature);
        Assert.Equal(1, start.Sampling.TopP);
        Assert.Equal(TestModel.ContextLength - start.PromptTokens.Count, start.Limits.MaxTokens);
        Assert.True(start.Sampling.HasSeed, "a request without a seed gets one");
    }

    [Fact]
    public async Task MaxTokens_BeyondTheContext_IsAnUpperBound()
    {
        await Server.AnswerAsync(Path, """{"messages": [{"role": "user", "content": "beyond"}], "max_tokens": 100000}""");
        StartSequence start = one.Node.Started.Values.Single(sequence => TestModel.Text(sequence.PromptTokens).Contains("beyond", StringComparison.Ordinal));
        Assert.Equal(TestModel.ContextLength - start.PromptTokens.Count, start.Limits.MaxTokens);
    }

    [Fact]
    public async Task Messages_RolesAndParts_BecomeThePrompt()
    {
        const string messages = """
            [{"role": "developer", "content": "be brief"}, {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
             {"role": "assistant", "content": "c", "refusal": null, "tool_calls": null}, {"role": "user", "content": "d"}]
            """;
        JsonElement answer = await Server.AnswerAsync("/tokenize", $$"""{"messages": {{messages}}}""");
        JsonElement text = await Server.AnswerAsync("/detokenize", $$"""{"tokens": {{answer.GetProperty("tokens").GetRawText()}}}""");
        Assert.Equal(
            "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nab<|im_end|>\n<|im_start|>assistant\nc<|im_end|>\n<|im_start|>user\nd<|im_end|>\n<|im_start|>assistant\n",
            text.GetProperty("prompt").GetString());
    }

    [Fact]
    public async Task RequestId_Absent_IsMadeAndReturned()
    {
        using HttpResponseMessage response = await Server.PostAsync(Path, Body());
        string id = Assert.Single(response.Headers.GetValues("X-Request-Id"));
        JsonElement answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal($"chatcmpl-{id}", answer.GetProperty("id").GetString());
    }

    internal static string Body(string more = "") => $$"""{"model": "tiny", "messages": [{"role": "user", "content": "hi"}]{{more}}}""";

    internal static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(entry => entry.GetInt32())];

    private static string Content(JsonElement answer) => answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;

    private static string Fingerprint(string text)
    {
        int at = text.IndexOf("\"fp_", StringComparison.Ordinal);
        Assert.True(at > 0, text);
        return text[(at + 1)..text.IndexOf('"', at + 1)];
    }

    private async Task<string> StreamedAsync(string body)
    {
        string text = "";
        await foreach (JsonElement chunk in Sse.ReadAsync(await Server.PostAsync(Path, body)))
            text += chunk.GetProperty("choices")[0].GetProperty("delta").TryGetProperty("content", out JsonElement content) ? content.GetString() : "";
        return text;
    }
}
