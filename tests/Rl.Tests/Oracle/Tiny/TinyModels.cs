namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>
/// Random models of every family, of some hundred thousand weights, in the layout the hub has them in: names, shapes, types, config fields and what else
/// lies in the files. Their weights are scaled so that mistakes show.
/// </summary>
public static class TinyModels
{
    private static readonly Dictionary<string, TinyModel> Variants = new TinyModel[]
    {
        TinyMixtral.Plain,
        TinyMixtral.Windowed,
        TinyDbrx.Plain,
        TinyDbrx.EuclideanNorm,
        TinyQwen2.Plain,
        TinyQwen3.Plain,
        TinyQwen3.WithDenseLayers,
        TinyQwen3.Yarn,
        TinyQwen3.Fp8,
        TinyOlmoe.Clipping,
        TinyDeepseek.Second,
        TinyDeepseek.SecondLite,
        TinyDeepseek.Third,
        TinyDeepseek.ThirdInBFloat16,
        TinyDeepseek.KimiSecond,
        TinyGptOss.Packed,
        TinyGptOss.InBFloat16,
        TinyGlm.Full,
        TinyGlm.Air,
        TinyMinimax.Fp8,
    }.ToDictionary(variant => variant.Name);

    /// <summary>The names of all variants.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Variants.Keys];

    /// <summary>Writes a variant's config.json and safetensors files.</summary>
    /// <exception cref="KeyNotFoundException">There is no such variant.</exception>
    public static void Write(string variant, string folder, int seed)
    {
        TinyModel model = Variants[variant];
        TinyFolder.Write(folder, model.Config, model.Tensors(seed), model.ShardCount);
    }
}
