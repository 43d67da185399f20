using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.OpenAi;

/// <summary>Which URL is which endpoint.</summary>
internal static class OpenAiRoutes
{
    public static IEndpointConventionBuilder MapOpenAi(this IEndpointRouteBuilder endpoints, ServerParts parts)
    {
        RouteGroupBuilder group = endpoints.MapGroup("");
        var models = new ModelsEndpoint(parts);
        var tokenize = new TokenizeEndpoint(parts);
        group.MapPost("/v1/chat/completions", new ChatCompletionsEndpoint(parts).HandleAsync);
        group.MapPost("/v1/completions", new CompletionsEndpoint(parts).HandleAsync);
        group.MapGet("/v1/models", models.ListAsync);
        // The rest of the path: hub names have a slash in them.
        group.MapGet("/v1/models/{**id}", models.GetAsync);
        group.MapPost("/tokenize", tokenize.TokenizeAsync);
        group.MapPost("/detokenize", tokenize.DetokenizeAsync);
        return group;
    }
}
