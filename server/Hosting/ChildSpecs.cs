using MegaInfer.Server.Cluster;

namespace MegaInfer.Server.Hosting;

/// <summary>The command lines of the local pools.</summary>
internal static class ChildSpecs
{
    /// <param name="options">How many, and what they share.</param>
    /// <param name="serverFolder">Where the server's executable is.</param>
    /// <param name="control">HOST:PORT of the control door, as seen from this host.</param>
    /// <exception cref="Engine.MegaInferException">An executable is missing.</exception>
    public static IReadOnlyList<ChildSpec> Of(ServeOptions options, string serverFolder, string control)
    {
        string attention = NodeExecutables.Attention(serverFolder);
        string expert = NodeExecutables.Expert(serverFolder);
        // Expert nodes first: attention nodes wait for them.
        return
        [
            .. Enumerable.Range(0, options.ExpertNodes).Select(i => new ChildSpec($"expert child {i}", expert, Arguments(options, control, i))),
            .. Enumerable.Range(0, options.AttentionNodes).Select(i => new ChildSpec($"attention child {i}", attention, Arguments(options, control, i))),
        ];
    }

    private static List<string> Arguments(ServeOptions options, string control, int index)
    {
        List<string> arguments = ["--join", control, "--child-index", $"{index}", "--exit-on-stdin-eof", "--backend", options.Backend];
        if (options.SecretFile is not null)
            arguments.AddRange(["--secret-file", Path.GetFullPath(options.SecretFile)]);
        if (options.M2NInterface.Length > 0)
            arguments.AddRange(["--m2n-interface", options.M2NInterface]);
        return arguments;
    }
}
