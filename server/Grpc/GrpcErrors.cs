using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using MegaInfer.Engine.Requests;
using MegaInfer.Server.Hosting;
using MegaInfer.Server.Routing;

namespace MegaInfer.Server.Grpc;

/// <summary>What the client services refuse, with gRPC's statuses.</summary>
internal static class GrpcErrors
{
    private const string Scheme = "Bearer ";

    public static RpcException Invalid(string message) => new(new Status(StatusCode.InvalidArgument, message));

    public static RpcException Of(RequestProblem problem) => Invalid(problem.Message);

    public static RpcException Unavailable(string message) => new(new Status(StatusCode.Unavailable, message));

    public static RpcException Of(AdmissionException refusal)
    {
        string seconds = ((int)Math.Ceiling(refusal.RetryAfter.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        StatusCode code = refusal.IsStopping ? StatusCode.Unavailable : StatusCode.ResourceExhausted;
        return new RpcException(new Status(code, refusal.Message), new Metadata { { "retry-after", seconds } });
    }

    /// <exception cref="RpcException">UNAUTHENTICATED: the API key is missing or wrong.</exception>
    public static void CheckKey(ServerCallContext context, ServerParts parts)
    {
        if (parts.ApiKey is not { } key)
            return;
        string shown = context.RequestHeaders.GetValue("authorization") ?? "";
        if (!shown.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(shown[Scheme.Length..].Trim()), Encoding.UTF8.GetBytes(key)))
            throw new RpcException(new Status(StatusCode.Unauthenticated, "The API key is missing or wrong; send metadata 'authorization: Bearer KEY'."));
    }

    /// <exception cref="RpcException">NOT_FOUND: another model than the one served.</exception>
    public static void CheckModel(string model, ServerParts parts)
    {
        if (model.Length > 0 && model != parts.Model.Name)
            throw new RpcException(new Status(StatusCode.NotFound, $"The model '{model}' does not exist here; this server has '{parts.Model.Name}'."));
    }
}
