namespace MegaInfer.Node;

/// <summary>How a membership ended.</summary>
internal enum SessionEnd
{
    /// <summary>The server could not be reached; nothing was loaded.</summary>
    NotReached,

    /// <summary>The server went away, or nothing was heard from it for the lease.</summary>
    ServerLost,

    /// <summary>The node drained and left, or was told to stop before it served.</summary>
    Left,
}
