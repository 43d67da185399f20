namespace MegaInfer.Node;

/// <summary>How a node's process ends.</summary>
internal static class ExitCode
{
    internal const int Left = 0;

    /// <summary>The node failed or was refused; stderr says why in one sentence.</summary>
    internal const int Failed = 1;

    /// <summary>A child's server is gone.</summary>
    internal const int ServerLost = 3;
}
