namespace MegaInfer.Server.Cluster;

/// <summary>One node process that the server starts and keeps running.</summary>
/// <param name="Name">For people: "attention child 0".</param>
/// <param name="FileName">The executable.</param>
/// <param name="Arguments">Its command line.</param>
internal sealed record ChildSpec(string Name, string FileName, IReadOnlyList<string> Arguments);
