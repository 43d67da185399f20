using MegaInfer.Server.Hosting;
using MegaInfer.Server.OpenAi.Responses;

namespace MegaInfer.Server.OpenAi;

/// <summary>GET /v1/models and /v1/models/{id}.</summary>
internal sealed class ModelsEndpoint(ServerParts parts)
{
    public Task ListAsync(HttpContext context) =>
        context.Response.WriteAsJsonAsync(new ModelList("list", [Entry()]), OpenAiJson.Relaxed.ModelList);

    public Task GetAsync(HttpContext context)
    {
        string id = (string)context.Request.RouteValues["id"]!;
        return id == parts.Model.Name
            ? context.Response.WriteAsJsonAsync(Entry(), OpenAiJson.Relaxed.ModelEntry)
            : throw ApiException.ModelNotFound(id, parts.Model.Name);
    }

    private ModelEntry Entry() => new(parts.Model.Name, "model", parts.Model.LoadedAt.ToUnixTimeSeconds(), "megainfer", parts.Model.Spec.ContextLength);
}
