using System.ClientModel;
using System.Text;
using MegaInfer.Server.Tests.Fakes;
using OpenAI;
using OpenAI.Chat;
using Xunit;

namespace MegaInfer.Server.Tests.OpenAi;

/// <summary>The official client gets the same text with and without streaming.</summary>
public sealed class OfficialClientTests(OneServer one) : IClassFixture<OneServer>
{
    [Fact]
    public async Task Chat_StreamedAndWhole_AreTheSame()
    {
        var client = new ChatClient("tiny", new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(one.Server.Http.BaseAddress!, "v1") });
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 5, IncludeLogProbabilities = true, TopLogProbabilityCount = 2 };
        ChatCompletion whole = await client.CompleteChatAsync([ChatMessage.CreateUserMessage("hi")], options);
        var streamed = new StringBuilder();
        ChatFinishReason? finish = null;
        ChatTokenUsage? usage = null;
        await foreach (StreamingChatCompletionUpdate update in client.CompleteChatStreamingAsync([ChatMessage.CreateUserMessage("hi")], options))
        {
            finish = update.FinishReason ?? finish;
            usage = update.Usage ?? usage;
            foreach (ChatMessageContentPart part in update.ContentUpdate)
                streamed.Append(part.Text);
        }

        Assert.Equal("Hello", whole.Content[0].Text);
        Assert.Equal("Hello", streamed.ToString());
        Assert.Equal(ChatFinishReason.Length, whole.FinishReason);
        Assert.Equal(ChatFinishReason.Length, finish);
        Assert.Equal(5, whole.Usage.OutputTokenCount);
        Assert.Equal(5, usage?.OutputTokenCount);
        Assert.Equal(5, whole.ContentTokenLogProbabilities.Count);
    }

    [Fact]
    public async Task Chat_UnknownModel_ThrowsWithOurCode()
    {
        var client = new ChatClient("other", new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(one.Server.Http.BaseAddress!, "v1") });
        ClientResultException error = await Assert.ThrowsAsync<ClientResultException>(() => client.CompleteChatAsync(ChatMessage.CreateUserMessage("hi")));
        Assert.Equal(404, error.Status);
        Assert.Contains("model_not_found", error.Message, StringComparison.Ordinal);
    }
}
