namespace MegaInfer.Tidy;

/// <summary>The repository as files: what the tidy tests read.</summary>
internal static class SourceTree
{
    private static readonly string[] Skipped = ["artifacts", "build", ".git", "node_modules", "bin", "obj", ".vs"];

    /// <summary>The folder that holds MegaInfer.sln, found upwards from the test's own folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Paths relative to the root with forward slashes, of every source file with one of the extensions.</summary>
    public static IEnumerable<string> Files(params string[] extensions) =>
        Walk(Root).Where(path => extensions.Any(extension => path.EndsWith(extension, StringComparison.Ordinal)))
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);

    public static string Read(string relativePath) => File.ReadAllText(Path.Combine(Root, relativePath));

    private static IEnumerable<string> Walk(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder))
            yield return file;
        foreach (string child in Directory.EnumerateDirectories(folder).Where(child => !Skipped.Contains(Path.GetFileName(child))))
        {
            foreach (string file in Walk(child))
                yield return file;
        }
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MegaInfer.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"MegaInfer.sln is in no folder above {AppContext.BaseDirectory}");
    }
}
