namespace MegaInfer.EndToEnd;

/// <summary>Where things are: the tests run what the launcher runs.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string EmbeddedModel => Path.Combine(Root, "models", "megainfer-mini");

    public static string Server => Executable("MegaInfer.Server", "megainfer-server");

    public static string Proto => Path.Combine(Root, "proto");

    public static string Clients => Path.Combine(Root, "tests", "EndToEnd", "Clients");

    public static string Executable(string project, string name) => Path.Combine(Root, "artifacts", "bin", project, "release", name);

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MegaInfer.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"MegaInfer.sln is in no folder above {AppContext.BaseDirectory}");
    }
}
