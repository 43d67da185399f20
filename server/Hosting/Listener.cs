namespace MegaInfer.Server.Hosting;

/// <summary>The server's three doors. Each service answers on its own and nowhere else.</summary>
internal enum Listener
{
    /// <summary>OpenAI-style HTTP/1.1, for applications.</summary>
    Http,

    /// <summary>gRPC (h2c) for clients: inference and rollouts.</summary>
    Grpc,

    /// <summary>gRPC (h2c) for nodes and operators.</summary>
    Control,
}
