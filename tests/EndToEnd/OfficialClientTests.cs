using System.ClientModel;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;
using Xunit;

namespace MegaInfer.EndToEnd;

/// <summary>The official clients and a generated one get the same text and the same tokens from every door.</summary>
public sealed class OfficialClientTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Prompt = "What is 348 + 275?";

    private RunningServer Server => shared.Server;

    [Fact]
    public async Task OpenAiNpmClient_StreamedAndWhole_GetTheSameText()
    {
        JsonElement result = await NodeClient.RunAsync("chat.mjs", $"{Server.Http}v1", "megainfer-mini", Prompt);
        string whole = result.GetProperty("whole").GetString()!;
        Assert.EndsWith("Answer: 623", whole.TrimEnd(), StringComparison.Ordinal);
        Assert.Equal(whole, result.GetProperty("streamed").GetString());
        Assert.Equal("stop", result.GetProperty("wholeFinish").GetString());
        Assert.Equal("stop", result.GetProperty("streamedFinish").GetString());
        Assert.Equal(result.GetProperty("wholeUsage").GetProperty("completion_tokens").GetInt32(),
            result.GetProperty("streamedUsage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal(["megainfer-mini"], result.GetProperty("models").EnumerateArray().Select(model => model.GetString()));
        Assert.Equal(404, result.GetProperty("refusal").GetProperty("status").GetInt32());
        Assert.Equal("model_not_found", result.GetProperty("refusal").GetProperty("code").GetString());
    }

    [Fact]
    public async Task OpenAiNuGetClient_StreamedAndWhole_GetTheSameText()
    {
        var client = new ChatClient("megainfer-mini", new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(Server.Http, "v1") });
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 64 };
        ChatCompletion whole = await client.CompleteChatAsync([ChatMessage.CreateUserMessage(Prompt)], options);
        var streamed = new StringBuilder();
        await foreach (StreamingChatCompletionUpdate update in client.CompleteChatStreamingAsync([ChatMessage.CreateUserMessage(Prompt)], options))
        {
            foreach (ChatMessageContentPart part in update.ContentUpdate)
                streamed.Append(part.Text);
        }

        Assert.EndsWith("Answer: 623", whole.Content[0].Text.TrimEnd(), StringComparison.Ordinal);
        Assert.Equal(whole.Content[0].Text, streamed.ToString());
        Assert.Equal(ChatFinishReason.Stop, whole.FinishReason);
    }

    [Fact]
    public async Task NodeClientFromProto_StreamsTheTokensOfHttp()
    {
        using var http = new HttpClient { BaseAddress = Server.Http };
        var body = new { model = "megainfer-mini", prompt = Prompt, temperature = 0.8, seed = 1234, max_tokens = 40, return_token_ids = true };
        using HttpResponseMessage response = await http.PostAsJsonAsync("v1/completions", body);
        JsonElement choice = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("choices")[0];
        int[] httpIds = [.. choice.GetProperty("token_ids").EnumerateArray().Select(id => id.GetInt32())];

        string request = JsonSerializer.Serialize(new
        {
            text = Prompt,
            sampling = new { temperature = 0.8, seed = "1234" },
            limits = new { max_tokens = 40 },
        });
        JsonElement result = await NodeClient.RunAsync("generate.mjs", Repository.Proto, Server.Grpc, request);
        Assert.NotEmpty(httpIds);
        Assert.Equal(httpIds, result.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()));
        Assert.Equal("1234", result.GetProperty("started").GetProperty("seed").GetString());
    }
}
