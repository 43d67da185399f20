using MegaInfer.Engine;

namespace MegaInfer.Server.Cluster;

/// <summary>Where the node executables are: beside the server's own, or in their own project's folder of the same build.</summary>
internal static class NodeExecutables
{
    public static string Attention(string serverFolder) => Find(serverFolder, "MegaInfer.AttentionNodes", "megainfer-attention-node");

    public static string Expert(string serverFolder) => Find(serverFolder, "MegaInfer.ExpertNodes", "megainfer-expert-node");

    private static string Find(string serverFolder, string project, string name)
    {
        string beside = Path.Combine(serverFolder, name);
        if (File.Exists(beside))
            return beside;

        // artifacts/bin/MegaInfer.Server/release/ -> artifacts/bin/<project>/release/
        string flavour = Path.GetFileName(Path.TrimEndingDirectorySeparator(serverFolder));
        string sibling = Path.GetFullPath(Path.Combine(serverFolder, "..", "..", project, flavour, name));
        return File.Exists(sibling)
            ? sibling
            : throw new MegaInferException($"{name} is neither at {beside} nor at {sibling}; build it with ./megainfer build.");
    }
}
