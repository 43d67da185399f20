using MegaInfer.Engine.Requests;

namespace MegaInfer.Server.OpenAi;

/// <summary>A request that is answered with an error in OpenAI's shape.</summary>
internal sealed class ApiException(int status, string message, string type, string? param, string? code) : Exception(message)
{
    private const string InvalidRequest = "invalid_request_error";
    private const string ServerError = "server_error";

    public int Status => status;

    public string Type => type;

    /// <summary>The field that is wrong, as clients spell it.</summary>
    public string? Param => param;

    public string? Code => code;

    /// <summary>When to try again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public static ApiException Invalid(string? param, string message, string? code = "invalid_value") =>
        new(StatusCodes.Status400BadRequest, message, InvalidRequest, param, code);

    public static ApiException WrongType(string param, string expected, string found) =>
        Invalid(param, $"'{param}' must be {expected}, found {found}.", "invalid_type");

    public static ApiException Unsupported(string param, string message) => Invalid(param, message, "unsupported_parameter");

    public static ApiException Unknown(string param) =>
        Invalid(param, $"Unknown parameter: '{param}'. Remove it, or correct its spelling.", "unknown_parameter");

    public static ApiException ContextLength(string param, string message) => Invalid(param, message, "context_length_exceeded");

    public static ApiException BadJson(string message) => Invalid(null, message, "invalid_json");

    /// <summary>A problem that the engine's own bounds found; its field is spelled as over HTTP.</summary>
    public static ApiException Of(RequestProblem problem) => Invalid(problem.Field, problem.Message);

    public static ApiException ModelNotFound(string model, string served) =>
        new(StatusCodes.Status404NotFound, $"The model '{model}' does not exist here; this server has '{served}'.", InvalidRequest, "model", "model_not_found");

    public static ApiException NotFound(string method, string path) =>
        new(StatusCodes.Status404NotFound, $"Unknown URL: {method} {path}.", InvalidRequest, null, "unknown_url");

    public static ApiException MethodNotAllowed(string method, string path) =>
        new(StatusCodes.Status405MethodNotAllowed, $"{path} does not answer {method}.", InvalidRequest, null, "method_not_allowed");

    public static ApiException TooLarge(long bytes) =>
        new(StatusCodes.Status413PayloadTooLarge, $"The request body is larger than {bytes >> 20} MiB.", InvalidRequest, null, "request_too_large");

    public static ApiException Unauthorized() =>
        new(StatusCodes.Status401Unauthorized, "The API key is missing or wrong; send it as 'Authorization: Bearer KEY'.", InvalidRequest, null, "invalid_api_key");

    public static ApiException Overloaded(string message, bool isStopping, TimeSpan retryAfter) =>
        new(StatusCodes.Status503ServiceUnavailable, message, ServerError, null, isStopping ? "stopping" : "queue_full") { RetryAfter = retryAfter };

    public static ApiException Unavailable(string message) =>
        new(StatusCodes.Status503ServiceUnavailable, message, ServerError, null, "unavailable") { RetryAfter = TimeSpan.FromSeconds(1) };

    public static ApiException DeadlineExceeded() =>
        new(StatusCodes.Status504GatewayTimeout, "The request's own deadline passed before it was finished.", "timeout_error", null, "deadline_exceeded");

    public static ApiException Failed(string message) =>
        new(StatusCodes.Status500InternalServerError, message, ServerError, null, "generation_failed");

    public static ApiException Internal(string requestId) =>
        new(StatusCodes.Status500InternalServerError, $"An internal error; the server's log has it under request {requestId}.", ServerError, null, "internal_error");
}
