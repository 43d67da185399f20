using System.Text;
using MegaInfer.Engine.Checkpoints.Random;

namespace MegaInfer.Server.Tests.Fakes;

/// <summary>A tiny model folder with a byte-level tokenizer: ids 0..255 are bytes, so a script of tokens is a text.</summary>
internal static class TestModel
{
    public const int EndOfText = 256;
    public const int MessageEnd = 258;
    public const int ContextLength = 512;
    public const int VocabularySize = 512;
    public const string Name = "tiny";

    private static readonly Lazy<string> Made = new(Make);

    public static string Folder => Made.Value;

    public static int[] Tokens(string text) => [.. Encoding.UTF8.GetBytes(text).Select(value => (int)value)];

    public static string Text(IEnumerable<int> tokens) => Encoding.UTF8.GetString([.. tokens.Where(id => id < 256).Select(id => (byte)id)]);

    /// <summary>A copy of the folder with one more file; the caller removes it.</summary>
    public static string CopyWith(string file, string text)
    {
        string copy = Path.Combine(Directory.CreateTempSubdirectory("megainfer-server-tests-").FullName, Name);
        Directory.CreateDirectory(copy);
        foreach (string path in Directory.EnumerateFiles(Folder))
            File.Copy(path, Path.Combine(copy, Path.GetFileName(path)));
        File.WriteAllText(Path.Combine(copy, file), text);
        return copy;
    }

    private static string Make()
    {
        string root = Directory.CreateTempSubdirectory("megainfer-server-tests-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(root, recursive: true);
        string folder = Path.Combine(root, Name);
        RandomCheckpoint.Write(folder, new RandomModelOptions { HiddenSize = 16, LayerCount = 1, HeadCount = 2, KvHeadCount = 1, HeadDim = 8, ExpertCount = 4, ExpertWidth = 8 });
        return folder;
    }
}
