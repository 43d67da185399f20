using System.Security.Cryptography;
using System.Text;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.OpenAi;

/// <summary>What every HTTP request passes through: its id, the API key, and errors in OpenAI's shape whatever goes wrong behind it.</summary>
internal static class OpenAiShape
{
    private const string Scheme = "Bearer ";

    public static IApplicationBuilder UseOpenAiShape(this IApplicationBuilder http, ServerParts parts)
    {
        byte[]? key = parts.ApiKey is null ? null : Encoding.UTF8.GetBytes(parts.ApiKey);
        return http.Use(next => context => HandleAsync(context, next, parts, key));
    }

    private static async Task HandleAsync(HttpContext context, RequestDelegate next, ServerParts parts, byte[]? key)
    {
        try
        {
            RequestIds.Assign(context, parts.Identities);
            if (key is not null && !IsOpenToAll(context.Request.Path) && !HasKey(context.Request, key))
                throw ApiException.Unauthorized();
            await next(context);
            if (!context.Response.HasStarted && context.Response.StatusCode is StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed)
                throw NoEndpoint(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left; there is nobody to answer.
        }
        catch (Exception error) when (!context.Response.HasStarted)
        {
            await ErrorAnswer.WriteAsync(context, Translate(error, context, parts));
        }
        finally
        {
            parts.Metrics.Requests.WithLabels(EndpointOf(context), context.Response.StatusCode.ToString()).Inc();
        }
    }

    private static ApiException Translate(Exception error, HttpContext context, ServerParts parts)
    {
        switch (error)
        {
            case ApiException known:
                return known;
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return ApiException.TooLarge(WebServer.MaxBodyBytes);
            case BadHttpRequestException bad:
                return ApiException.Invalid(null, $"The request cannot be read: {bad.Message}", "bad_request");
            default:
                Log.Unexpected(parts.Logger, $"request {RequestIds.Of(context)}", error);
                return ApiException.Internal(RequestIds.Of(context));
        }
    }

    private static ApiException NoEndpoint(HttpContext context) => context.Response.StatusCode == StatusCodes.Status405MethodNotAllowed
        ? ApiException.MethodNotAllowed(context.Request.Method, context.Request.Path)
        : ApiException.NotFound(context.Request.Method, context.Request.Path);

    // Load balancers and monitoring have no key.
    private static bool IsOpenToAll(PathString path) => path == "/health" || path == "/metrics";

    private static bool HasKey(HttpRequest request, byte[] key)
    {
        string header = request.Headers.Authorization.ToString();
        return header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(header[Scheme.Length..].Trim()), key);
    }

    private static string EndpointOf(HttpContext context) => (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "none";
}
