using System.Collections.Concurrent;
using MegaInfer.Engine.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>The published tokenizers with the reference's answers, loaded once for all tests.</summary>
internal static class RealTokenizers
{
    private static readonly ConcurrentDictionary<string, Lazy<(Tokenizer, GoldenTokens)>> Loaded = new();

    public static TheoryData<string> Names { get; } = ["qwen3", "deepseek_v3", "llama3", "gptoss", "llama2"];

    /// <summary>Skips the calling test where the packages cannot be had.</summary>
    public static (Tokenizer Tokenizer, GoldenTokens Golden) Load(string name)
    {
        string path = GoldenPackages.Answers($"{name}.json");
        return Loaded.GetOrAdd(name, _ => new Lazy<(Tokenizer, GoldenTokens)>(() =>
        {
            GoldenTokens golden = GoldenFile.ReadTokens(path);
            return (Tokenizer.Load(golden.ModelFolder!), golden);
        })).Value;
    }
}
