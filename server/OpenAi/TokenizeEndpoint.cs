using MegaInfer.Server.Hosting;
using MegaInfer.Server.OpenAi.Responses;

namespace MegaInfer.Server.OpenAi;

/// <summary>POST /tokenize and /detokenize: text to ids and back, as generation would see them.</summary>
internal sealed class TokenizeEndpoint(ServerParts parts)
{
    public async Task TokenizeAsync(HttpContext context)
    {
        ModelText text = await parts.Model.Text;
        using RequestBody body = await RequestBody.ReadAsync(context, ApiEndpoint.Tokenize);
        ModelNames.Check(body, parts.Model.Name);
        int[] tokens = body.Find("messages") is not null
            ? ChatPrompt.Encode(body, text)
            : text.Tokenizer.Encode(
                body.Text("prompt") ?? throw ApiException.Invalid("prompt", "Give 'prompt' or 'messages'.", "missing_required_parameter"),
                body.Flag("add_special_tokens", absent: true), parseSpecial: true);
        var answer = new TokenizeAnswer(tokens.Length, parts.Model.Spec.ContextLength, tokens);
        await context.Response.WriteAsJsonAsync(answer, OpenAiJson.Relaxed.TokenizeAnswer);
    }

    public async Task DetokenizeAsync(HttpContext context)
    {
        ModelText text = await parts.Model.Text;
        using RequestBody body = await RequestBody.ReadAsync(context, ApiEndpoint.Detokenize);
        ModelNames.Check(body, parts.Model.Name);
        if (body.Find("tokens") is null)
            throw ApiException.Invalid("tokens", "Missing required parameter: 'tokens'.", "missing_required_parameter");
        int[] tokens = body.TokenIds("tokens");
        int vocabulary = parts.Model.Spec.VocabularySize;
        if (Array.FindIndex(tokens, token => (uint)token >= (uint)vocabulary) is var wrong && wrong >= 0)
            throw ApiException.Invalid("tokens", $"'tokens' names token {tokens[wrong]}; this model's tokens are 0 to {vocabulary - 1}.");
        await context.Response.WriteAsJsonAsync(new DetokenizeAnswer(text.Tokenizer.Decode(tokens, skipSpecial: false)), OpenAiJson.Relaxed.DetokenizeAnswer);
    }
}
