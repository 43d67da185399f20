using System.Globalization;
using MegaInfer.Server.OpenAi.Responses;

namespace MegaInfer.Server.OpenAi;

/// <summary>Writes an error in OpenAI's shape.</summary>
internal static class ErrorAnswer
{
    public static ErrorBody Body(ApiException error) => new(new ErrorDetail(error.Message, error.Type, error.Param, error.Code));

    public static Task WriteAsync(HttpContext context, ApiException error)
    {
        context.Response.StatusCode = error.Status;
        if (error.RetryAfter is { } wait)
            context.Response.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return context.Response.WriteAsJsonAsync(Body(error), OpenAiJson.Relaxed.ErrorBody);
    }
}
