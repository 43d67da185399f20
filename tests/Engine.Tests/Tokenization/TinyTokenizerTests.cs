using MegaInfer.Engine.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>Two small tokenizers of the published kinds against the JavaScript reference.</summary>
public sealed class TinyTokenizerTests
{
    [Theory]
    [InlineData("tiny-qwen")]
    [InlineData("tiny-mixtral")]
    public void Encode_ManyStrings_GivesReferenceIds(string name)
    {
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(GoldenFile.Folder, name));
        IReadOnlyList<GoldenCase> cases = GoldenFile.ReadTokens(Path.Combine(GoldenFile.Folder, name + ".golden.json")).Cases;
        Assert.True(cases.Count >= 300);
        foreach (GoldenCase expected in cases)
        {
            int[] ids = tokenizer.Encode(expected.Text, addSpecialTokens: false, parseSpecial: true);
            Assert.True(ids.SequenceEqual(expected.Ids), $"'{expected.Text}': expected [{string.Join(' ', expected.Ids)}], got [{string.Join(' ', ids)}]");
            if (expected.Decoded is not null)
                Assert.Equal(expected.Decoded, tokenizer.Decode(expected.Ids, skipSpecial: false));
        }
    }
}
