namespace MegaInfer.Node;

/// <summary>A node's command line, the same for both roles. Everything else comes from the server's Welcome.</summary>
public sealed record NodeOptions
{
    /// <summary>The server's control port.</summary>
    public required Uri Server { get; init; }

    /// <summary>The number the server gave a node that it started itself; -1 for nodes that joined from outside.</summary>
    public int ChildIndex { get; init; } = -1;

    /// <summary>Folder of the checkpoint on this host; null: the folder that the server names.</summary>
    public string? ModelFolder { get; init; }

    /// <summary>The cluster secret; empty: none.</summary>
    public ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>Cores that the node's kernels may use; empty: the process' own set.</summary>
    public IReadOnlyList<int> Cores { get; init; } = [];

    /// <summary>Threads of the node's kernels; null: what the server says.</summary>
    public int? Threads { get; init; }

    /// <summary>
    /// The network interface over which rows travel to and from other hosts; empty: none, and the node meets only nodes of its own host. It must belong to
    /// a trusted network.
    /// </summary>
    public string M2NInterface { get; init; } = "";

    /// <summary>auto, reference, avx2 or avx512.</summary>
    public string Backend { get; init; } = "auto";

    /// <summary>The starter holds the other end of stdin: the node exits when it closes, however the starter died.</summary>
    public bool ExitsOnStdinEof { get; init; }

    public bool IsChild => ChildIndex >= 0;
}
