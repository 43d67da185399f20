using System.Net;
using System.Text.Json;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.OpenAi;

/// <summary>The small endpoints.</summary>
public sealed class ModelsAndTokenizeTests(OneServer one) : IClassFixture<OneServer>
{
    private const string Entry = "{\"id\":\"tiny\",\"object\":\"model\",\"created\":1767225600,\"owned_by\":\"megainfer\",\"max_model_len\":512}";

    [Fact]
    public async Task Models_ListAndOne()
    {
        Assert.Equal("{\"object\":\"list\",\"data\":[" + Entry + "]}", await one.Server.Http.GetStringAsync("/v1/models"));
        Assert.Equal(Entry, await one.Server.Http.GetStringAsync("/v1/models/tiny"));
    }

    [Fact]
    public async Task Tokenize_AndBack_IsTheText()
    {
        JsonElement tokens = await one.Server.AnswerAsync("/tokenize", """{"prompt": "añ<|im_end|>"}""");
        Assert.Equal([97, 0xC3, 0xB1, 258], ChatCompletionsTests.Ints(tokens.GetProperty("tokens")));
        Assert.Equal(4, tokens.GetProperty("count").GetInt32());
        Assert.Equal(512, tokens.GetProperty("max_model_len").GetInt32());
        JsonElement text = await one.Server.AnswerAsync("/detokenize", """{"tokens": [97, 195, 177, 258]}""");
        Assert.Equal("añ<|im_end|>", text.GetProperty("prompt").GetString());
    }

    [Theory]
    [InlineData("/tokenize", "{}", "prompt")]
    [InlineData("/detokenize", "{}", "tokens")]
    [InlineData("/detokenize", """{"tokens": [512]}""", "tokens")]
    [InlineData("/detokenize", """{"tokens": "a"}""", "tokens")]
    public async Task TokenizeOrBack_Wrong_NamesTheField(string path, string body, string param)
    {
        using HttpResponseMessage response = await one.Server.PostAsync(path, body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(param, RefusalTests.Error(await response.Content.ReadAsStringAsync()).GetProperty("param").GetString());
    }
}
