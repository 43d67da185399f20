using MegaInfer.Server.Cluster;

namespace MegaInfer.Server;

/// <summary>Everything the server logs; nothing is logged per token.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "{Node} joined from {Host} (process {Pid}) with rank {Rank}, {Experts} experts")]
    public static partial void NodeJoined(ILogger logger, ClusterNode node, string host, int pid, int rank, int experts);

    [LoggerMessage(2, LogLevel.Information, "{Node} is ready: {Backend}, numerics {NumericsId}, {WeightMiB} MiB of weights")]
    public static partial void NodeReady(ILogger logger, ClusterNode node, string backend, string numericsId, long weightMiB);

    [LoggerMessage(3, LogLevel.Warning, "{Node} on {Host} (process {Pid}) is gone: {Reason}")]
    public static partial void NodeLeft(ILogger logger, ClusterNode node, string host, int pid, string reason);

    [LoggerMessage(4, LogLevel.Warning, "a node was refused: {Reason}")]
    public static partial void NodeRefused(ILogger logger, string reason);

    [LoggerMessage(5, LogLevel.Warning, "work of {Node} ended: {Reason}")]
    public static partial void WorkStreamEnded(ILogger logger, ClusterNode node, string reason);

    [LoggerMessage(6, LogLevel.Warning, "{Count} sequences of node {NodeId} continue elsewhere")]
    public static partial void SequencesResumed(ILogger logger, int count, int nodeId);

    [LoggerMessage(7, LogLevel.Warning, "{Child} ended with status {Status}; starting it again in {DelayMs} ms")]
    public static partial void ChildRestarts(ILogger logger, string child, int status, long delayMs);

    [LoggerMessage(8, LogLevel.Warning, "{Child} did not stop in time and was killed")]
    public static partial void ChildKilled(ILogger logger, string child);

    [LoggerMessage(9, LogLevel.Information, "stopping: {Sequences} sequences to finish, at most {Seconds} s")]
    public static partial void Draining(ILogger logger, int sequences, int seconds);

    [LoggerMessage(10, LogLevel.Error, "an unexpected error in {Place}")]
    public static partial void Unexpected(ILogger logger, string place, Exception error);

    [LoggerMessage(11, LogLevel.Information, "serving {Model} from {Folder}: {Attention} attention + {Experts} expert nodes, http {Http}, grpc {Grpc}, control {Control}")]
    public static partial void Serving(ILogger logger, string model, string folder, int attention, int experts, string http, string grpc, string control);

    [LoggerMessage(12, LogLevel.Information, "{Model} has tensors that are ignored: {Ignored}")]
    public static partial void TensorsIgnored(ILogger logger, string model, string ignored);

    [LoggerMessage(13, LogLevel.Information, "weights are packed as {Bits}")]
    public static partial void Packed(ILogger logger, string bits);
}
