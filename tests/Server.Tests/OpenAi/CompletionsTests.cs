using System.Text.Json;
using MegaInfer.Proto;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.OpenAi;

/// <summary>The older endpoint: its four forms of prompt, its own shapes.</summary>
public sealed class CompletionsTests(OneServer one) : IClassFixture<OneServer>
{
    private const string Path = "/v1/completions";

    private TestServer Server => one.Server;

    [Fact]
    public async Task Whole_Plain_HasEveryField()
    {
        using HttpResponseMessage response = await Server.PostAsync(Path, """{"prompt": "abc", "seed": 7}""", ("X-Request-Id", "abc"));
        string text = await response.Content.ReadAsStringAsync();
        int at = text.IndexOf("fp_", StringComparison.Ordinal);
        Assert.Equal(
            "{\"object\":\"text_completion\",\"id\":\"cmpl-abc\",\"created\":1767225600,\"model\":\"tiny\",\"system_fingerprint\":\"" + text[at..(at + 19)]
            + "\",\"choices\":[{\"index\":0,\"text\":\"Hello!\",\"logprobs\":null,\"finish_reason\":\"stop\"}],"
            + "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":7,\"total_tokens\":10,\"prompt_tokens_details\":{\"cached_tokens\":3}},\"seed\":7}",
            text);
    }

    [Theory]
    [InlineData("\"ab\"", 1)]
    [InlineData("[\"ab\", \"c\"]", 2)]
    [InlineData("[97, 98]", 1)]
    [InlineData("[[97, 98], [99]]", 2)]
    public async Task Prompt_EachForm_GivesAChoicePerPromptAndSample(string prompt, int prompts)
    {
        one.Node.Script = start => [.. TestModel.Tokens($"{TestModel.Text(start.PromptTokens)}{start.SampleIndex}"), TestModel.MessageEnd];
        try
        {
            JsonElement answer = await Server.AnswerAsync(Path, $$"""{"prompt": {{prompt}}, "n": 2}""");
            string[] expected = prompts == 1 ? ["ab0", "ab1"] : ["ab0", "ab1", "c0", "c1"];
            Assert.Equal(expected, answer.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("text").GetString()));
            Assert.Equal(Enumerable.Range(0, expected.Length), answer.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("index").GetInt32()));
            Assert.Equal(prompts == 1 ? 2 : 3, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        }
        finally
        {
            one.Node.Script = _ => [.. TestModel.Tokens("Hello!"), TestModel.MessageEnd];
        }
    }

    [Fact]
    public async Task LogProbs_AreParallelLists()
    {
        JsonElement answer = await Server.AnswerAsync(Path, """{"prompt": "x", "logprobs": 2, "max_tokens": 2}""");
        Assert.Equal(
            "{\"tokens\":[\"H\",\"e\"],\"token_logprobs\":[-1.125,-0.75],\"top_logprobs\":[{\"H\":-1.125,\"I\":-2.125},{\"e\":-0.75,\"f\":-1.75}],\"text_offset\":[0,1]}",
            answer.GetProperty("choices")[0].GetProperty("logprobs").GetRawText());
    }

    [Fact]
    public async Task LogProbs_PartOfACharacter_IsNamedByItsBytes()
    {
        one.Node.Script = _ => [.. TestModel.Tokens("ü"), TestModel.MessageEnd];
        try
        {
            JsonElement answer = await Server.AnswerAsync(Path, """{"prompt": "x", "logprobs": 0}""");
            Assert.Equal(
                ["bytes:\\xc3", "bytes:\\xbc", "<|im_end|>"],
                answer.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("tokens").EnumerateArray().Select(token => token.GetString()));
        }
        finally
        {
            one.Node.Script = _ => [.. TestModel.Tokens("Hello!"), TestModel.MessageEnd];
        }
    }

    [Fact]
    public async Task Stream_Plain_ConcatenatesToTheWhole()
    {
        var texts = new List<string>();
        string? finish = null;
        await foreach (JsonElement chunk in Sse.ReadAsync(await Server.PostAsync(Path, """{"prompt": "x", "stream": true, "return_token_ids": true}""")))
        {
            JsonElement choice = chunk.GetProperty("choices")[0];
            Assert.Equal("text_completion", chunk.GetProperty("object").GetString());
            Assert.Equal(texts.Count == 0, choice.TryGetProperty("prompt_token_ids", out _));
            texts.Add(choice.GetProperty("text").GetString()!);
            finish = choice.GetProperty("finish_reason").GetString();
        }

        Assert.Equal("Hello!", string.Concat(texts));
        Assert.Equal("stop", finish);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Echo_PutsThePromptInFront(bool isStreamed)
    {
        if (!isStreamed)
        {
            JsonElement answer = await Server.AnswerAsync(Path, """{"prompt": "Say: ", "echo": true}""");
            Assert.Equal("Say: Hello!", answer.GetProperty("choices")[0].GetProperty("text").GetString());
            return;
        }

        string text = "";
        await foreach (JsonElement chunk in Sse.ReadAsync(await Server.PostAsync(Path, """{"prompt": "Say: ", "echo": true, "stream": true}""")))
            text += chunk.GetProperty("choices")[0].GetProperty("text").GetString();
        Assert.Equal("Say: Hello!", text);
    }

    [Fact]
    public async Task MaxTokens_Absent_Is16()
    {
        await Server.AnswerAsync(Path, """{"prompt": "sixteen"}""");
        StartSequence start = one.Node.Started.Values.Single(sequence => TestModel.Text(sequence.PromptTokens) == "sixteen");
        Assert.Equal(16, start.Limits.MaxTokens);
    }
}
