using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.Health;

/// <summary>GET /health for load balancers, GET /metrics for Prometheus.</summary>
internal static class HealthRoutes
{
    public static IEndpointConventionBuilder MapHealth(this IEndpointRouteBuilder endpoints, ServerParts parts)
    {
        RouteGroupBuilder group = endpoints.MapGroup("");
        group.MapGet("/health", context => HealthAsync(context, parts));
        var nodes = new NodeMetricsCollector(parts.Metrics.Registry, parts.Cluster);
        group.MapGet("/metrics", async context =>
        {
            nodes.Refresh();
            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            await parts.Metrics.Registry.CollectAndExportAsTextAsync(context.Response.Body, context.RequestAborted);
        });
        return group;
    }

    // 200 where a request would be answered now; the body says why not otherwise.
    private static Task HealthAsync(HttpContext context, ServerParts parts)
    {
        string status = parts.Router.IsDraining ? "stopping" : parts.Gate.CanAnswer ? "ok" : "waiting for nodes";
        context.Response.StatusCode = status == "ok" ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "application/json; charset=utf-8";
        return context.Response.WriteAsync($"{{\"status\":\"{status}\"}}");
    }
}
