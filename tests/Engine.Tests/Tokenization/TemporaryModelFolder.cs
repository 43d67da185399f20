namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>A model folder that a test may damage; removed at the end.</summary>
internal sealed class TemporaryModelFolder : IDisposable
{
    private TemporaryModelFolder()
    {
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("megainfer-test-").FullName;

    public static TemporaryModelFolder Empty() => new();

    /// <summary>A copy of one of the golden folder's small models.</summary>
    public static TemporaryModelFolder CopyOf(string name)
    {
        TemporaryModelFolder folder = new();
        foreach (string file in Directory.EnumerateFiles(System.IO.Path.Combine(GoldenFile.Folder, name)))
            File.Copy(file, System.IO.Path.Combine(folder.Path, System.IO.Path.GetFileName(file)));
        return folder;
    }

    public void Write(string file, string text) => File.WriteAllText(System.IO.Path.Combine(Path, file), text);

    public void Write(string file, byte[] bytes) => File.WriteAllBytes(System.IO.Path.Combine(Path, file), bytes);

    public string Read(string file) => File.ReadAllText(System.IO.Path.Combine(Path, file));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
