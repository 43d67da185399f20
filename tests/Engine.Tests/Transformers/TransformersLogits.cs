using System.Text.Json;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Tests.Tokenization;

namespace MegaInfer.Engine.Tests.Transformers;

/// <summary>
/// What Hugging Face transformers computed for the tiny models: golden/transformers, made by make_logits.py there. For each prompt the logits of its last rows.
/// </summary>
internal sealed class TransformersLogits : IDisposable
{
    /// <summary>Of the tiny models that transformers was given.</summary>
    public const int Seed = 77;

    /// <summary>Rows kept of each prompt.</summary>
    public const int Rows = 24;

    private readonly MappedFile _file;
    private readonly SafetensorsHeader _header;
    private readonly JsonDocument _report;

    public TransformersLogits()
    {
        _file = new MappedFile(Path.Combine(GoldenFile.Folder, "transformers", "logits.safetensors"));
        _header = SafetensorsHeader.Read(_file);
        _report = JsonDocument.Parse(File.ReadAllText(Path.Combine(GoldenFile.Folder, "transformers", "report.json")));
    }

    public IEnumerable<string> Variants => _report.RootElement.GetProperty("variants").EnumerateObject().Select(variant => variant.Name);

    /// <summary>Why there are no logits of a variant; null where there are.</summary>
    public string? Lacks(string variant) => Of(variant).GetProperty("error").GetString();

    /// <summary>SHA-256, in hex, of the weights that transformers read.</summary>
    public string WeightsDigest(string variant) => Of(variant).GetProperty("sha256").GetString()!;

    /// <summary>The prompts of make_logits.py: token i is (a i² + b i + c) mod vocabulary.</summary>
    public static IReadOnlyDictionary<string, int[]> Prompts(int vocabulary) => new Dictionary<string, int[]>
    {
        ["short"] = [.. Enumerable.Range(0, 24).Select(i => ((5 * i * i) + (11 * i) + 3) % vocabulary)],
        ["long"] = [.. Enumerable.Range(0, 70).Select(i => ((3 * i * i) + (7 * i) + 19) % vocabulary)],
    };

    /// <summary>[<see cref="Rows"/>, vocabulary]</summary>
    public float[] Logits(string variant, string prompt)
    {
        SafetensorsEntry entry = _header.Entries[$"{variant}/{prompt}"];
        byte[] bytes = new byte[entry.Bytes];
        _file.Read(entry.Offset, bytes);
        float[] logits = new float[bytes.Length / sizeof(float)];
        Buffer.BlockCopy(bytes, 0, logits, 0, bytes.Length);
        return logits;
    }

    public void Dispose()
    {
        _file.Dispose();
        _report.Dispose();
    }

    private JsonElement Of(string variant) => _report.RootElement.GetProperty("variants").GetProperty(variant);
}
