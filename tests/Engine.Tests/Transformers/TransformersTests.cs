using System.Security.Cryptography;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using MegaInfer.Rl.Tests.Oracle.Tiny;
using Xunit;

namespace MegaInfer.Engine.Tests.Transformers;

/// <summary>Every family beside the implementation that its authors' users run: the plain reference's logits are those of Hugging Face transformers.</summary>
public sealed class TransformersTests : IDisposable
{
    // Of the spread of a variant's logits: fp32 sums in other orders, through a few layers.
    private const double Tolerance = 5e-4;

    // What this version of transformers takes otherwise than the releases' own code: the comparison is then made with its value, and shows all the rest.
    private static readonly Dictionary<string, (string Release, string Taken)> ReadOtherwise = new()
    {
        // It takes the rope of DBRX from a field that the releases lack, and so its default.
        ["dbrx"] = ("\"rope_theta\": 500000", "\"rope_theta\": 10000"),
        // Its experts clamp at 7, whatever swiglu_limit says.
        ["gpt_oss_bf16"] = ("\"swiglu_limit\": 5.0", "\"swiglu_limit\": 7.0"),
        // It reads partial_rotary_factor, not rotary_dim, and so rotates whole heads.
        ["minimax_m2"] = ("\"rotary_dim\": 12", "\"rotary_dim\": 24"),
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("megainfer-transformers-").FullName;

    // DBRX's other norm of the router's weights is refused by name.
    public static TheoryData<string> Compared => [.. TinyModels.All.Where(variant => Report(logits => logits.Lacks(variant)) is null && variant != "dbrx_norm2")];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Compared))]
    public void Logits_AreThoseOfTransformers(string variant)
    {
        TinyModels.Write(variant, _folder, TransformersLogits.Seed);
        TakeAsTransformersDid(variant);
        using var golden = new TransformersLogits();
        Assert.Equal(golden.WeightsDigest(variant), DigestOfWeights());
        using Checkpoint checkpoint = Checkpoint.Open(_folder);
        var model = new ReferenceModel(checkpoint, NumberType.Float32, NumberType.Float32);
        foreach ((string prompt, int[] tokens) in TransformersLogits.Prompts(model.Spec.VocabularySize))
        {
            float[] expected = golden.Logits(variant, prompt);
            float[] actual = [.. model.Logits(tokens)[^TransformersLogits.Rows..].SelectMany(row => row)];
            Assert.Equal(expected.Length, actual.Length);
            double spread = Math.Sqrt(expected.Average(value => (double)value * value));
            double worst = expected.Zip(actual, (a, b) => (double)Math.Abs(a - b)).Max();
            Assert.True(worst <= Tolerance * spread, $"{variant}, {prompt} prompt: off by {worst / spread:g3} of the logits' spread");
        }
    }

    [Fact]
    public void AllVariantsButOne_WereComputed()
    {
        Assert.Equal(TinyModels.All.Order(StringComparer.Ordinal), Report(logits => logits.Variants.Order(StringComparer.Ordinal).ToArray()));
        Assert.Equal("deepseek_v3_bf16", Assert.Single(TinyModels.All, variant => Report(logits => logits.Lacks(variant)) is not null));
    }

    private static T Report<T>(Func<TransformersLogits, T> read)
    {
        using var logits = new TransformersLogits();
        return read(logits);
    }

    private void TakeAsTransformersDid(string variant)
    {
        if (!ReadOtherwise.TryGetValue(variant, out (string Release, string Taken) field))
            return;
        string path = Path.Combine(_folder, "config.json");
        string config = File.ReadAllText(path);
        Assert.Contains(field.Release, config, StringComparison.Ordinal);
        File.WriteAllText(path, config.Replace(field.Release, field.Taken, StringComparison.Ordinal));
    }

    private string DigestOfWeights()
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in Directory.GetFiles(_folder, "*.safetensors").Order(StringComparer.Ordinal))
            digest.AppendData(File.ReadAllBytes(path));
        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }
}
