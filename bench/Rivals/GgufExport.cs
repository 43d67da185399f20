using System.Globalization;
using System.IO.Hashing;
using System.Text;
using MegaInfer.Bench.Gguf;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Rivals;

/// <summary>GGUF copies of model folders in the system's temporary folder, each made once and again when its folder changes.</summary>
internal static class GgufExport
{
    // Raised when the export writes other files than before.
    private const int Form = 1;
    private const string Plain = "bf16";

    private static readonly Dictionary<string, string> QuantizedTypes = new(StringComparer.Ordinal) { ["q8_0"] = "Q8_0", ["q4_0"] = "Q4_0" };

    /// <summary>Where the copies lie.</summary>
    internal static string Folder { get; } = Path.Combine(Path.GetTempPath(), "megainfer-gguf");

    /// <summary>The path of a model's copy, which is written first if it is not there.</summary>
    /// <param name="checkpointFolder">The model.</param>
    /// <param name="type"><c>bf16</c>; or <c>q8_0</c> or <c>q4_0</c>, made of it by the rival's own llama-quantize.</param>
    /// <param name="quantizer">Whose llama-quantize; each engine gets files of its own.</param>
    /// <param name="progress">Told what is being written; may be null.</param>
    /// <param name="cancel">Nothing half-written is left.</param>
    /// <exception cref="MegaInferException">The model cannot be exported, the type is none of these, or the disk refuses.</exception>
    public static async Task<string> EnsureAsync(string checkpointFolder, string type, RivalBuild quantizer, IProgress<string>? progress, CancellationToken cancel)
    {
        if (type != Plain && !QuantizedTypes.ContainsKey(type))
            throw new MegaInferException($"'{type}' is not a type of GGUF file; use {Plain}, {string.Join(" or ", QuantizedTypes.Keys)}.");
        checkpointFolder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(checkpointFolder));
        if (!Directory.Exists(checkpointFolder))
            throw new MegaInferException($"There is no model folder {checkpointFolder}.");
        (string ofFolder, string ofContent) = Keys(checkpointFolder);
        Directory.CreateDirectory(Folder);
        DeleteStale(ofFolder, ofContent);

        string plain = Path.Combine(Folder, $"{ofContent}.{Plain}.gguf");
        await MakeAsync(plain, progress, part => Task.Run(() => GgufModel.Export(checkpointFolder, part, cancel), cancel));
        if (type == Plain)
            return plain;
        string quantized = Path.Combine(Folder, $"{ofContent}.{quantizer.Engine}.{type}.gguf");
        await MakeAsync(quantized, progress, part => quantizer.QuantizeAsync(plain, part, QuantizedTypes[type], cancel));
        return quantized;
    }

    private static async Task MakeAsync(string path, IProgress<string>? progress, Func<string, Task> write)
    {
        if (File.Exists(path))
            return;
        progress?.Report($"writing {path}");
        string part = $"{path}.{Environment.ProcessId}";
        try
        {
            await write(part);
            File.Move(part, path, overwrite: true);
        }
        finally
        {
            File.Delete(part);
        }
    }

    // Older copies of the same folder, and what an ended run left unfinished, are gigabytes that nobody will ask for again.
    private static void DeleteStale(string ofFolder, string ofContent)
    {
        foreach (string file in Directory.EnumerateFiles(Folder, $"{ofFolder}.*"))
        {
            if (!Path.GetFileName(file).StartsWith($"{ofContent}.", StringComparison.Ordinal) || !file.EndsWith(".gguf", StringComparison.Ordinal))
                File.Delete(file);
        }
    }

    /// <summary>What names of copies begin with: of this folder, and of this folder as it is now.</summary>
    private static (string OfFolder, string OfContent) Keys(string checkpointFolder)
    {
        string ofFolder = $"{Path.GetFileName(checkpointFolder)}.{Hash(checkpointFolder)}";
        IEnumerable<string> files = new DirectoryInfo(checkpointFolder).EnumerateFiles().OrderBy(file => file.Name, StringComparer.Ordinal)
            .Select(file => string.Create(CultureInfo.InvariantCulture, $"{file.Name} {file.Length} {file.LastWriteTimeUtc.Ticks}"));
        return (ofFolder, $"{ofFolder}.{Hash(string.Join('\n', files.Prepend($"form {Form}")))}");
    }

    private static string Hash(string text) => Convert.ToHexStringLower(XxHash64.Hash(Encoding.UTF8.GetBytes(text)));
}
