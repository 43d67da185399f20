using System.Security.Cryptography;
using Grpc.Core;
using MegaInfer.Proto;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.Cluster;

/// <summary>The control port's door: membership, work and status, one class of its own for each.</summary>
internal sealed class ClusterService(ServerParts parts) : Proto.Cluster.ClusterBase
{
    /// <summary>The metadata entry with which operators show the cluster secret.</summary>
    public const string SecretHeader = "megainfer-secret-bin";

    public override Task Attend(IAsyncStreamReader<NodeMessage> requestStream, IServerStreamWriter<ServerMessage> responseStream, ServerCallContext context) =>
        new AttendSession(parts.Cluster, parts.Model.Digest, parts.Time, parts.Logger).RunAsync(requestStream, responseStream, context);

    public override Task Work(IAsyncStreamReader<WorkReport> requestStream, IServerStreamWriter<WorkOrder> responseStream, ServerCallContext context) =>
        new WorkSession(parts.Cluster, parts.Router, parts.Time, parts.Logger).RunAsync(requestStream, responseStream, context);

    public override Task<ClusterStatus> GetStatus(StatusRequest request, ServerCallContext context)
    {
        byte[] shown = context.RequestHeaders.GetValueBytes(SecretHeader) ?? [];
        if (!CryptographicOperations.FixedTimeEquals(shown, parts.Cluster.Spec.Secret.Span))
            throw new RpcException(new Status(StatusCode.PermissionDenied, "The cluster secret is missing or wrong; give --secret-file the server's file."));
        return Task.FromResult(StatusReport.Of(parts));
    }
}
