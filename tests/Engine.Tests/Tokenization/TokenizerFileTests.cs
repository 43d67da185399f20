using MegaInfer.Engine.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>Damaged and unusual tokenizer files.</summary>
public sealed class TokenizerFileTests
{
    [Theory]
    [InlineData("\"type\": \"BPE\"", "\"type\": \"Unigram\"", "Unigram")]
    [InlineData("\"normalizer\": { \"type\": \"NFC\"", "\"normalizer\": { \"type\": \"Nmt\"", "Nmt")]
    [InlineData("\"behavior\": \"Isolated\"", "\"behavior\": \"Sideways\"", "Sideways")]
    [InlineData("\\\\p{L}+", "\\\\p{Klingon}+", "Klingon")]
    [InlineData("\\\\p{N}|", "(?<x>a)|", "not supported")]
    [InlineData("\"merges\"", "\"mergers\"", "merges")]
    [InlineData("\"model\"", "\"modal\"", "model")]
    [InlineData("\"end_of_word_suffix\": \"\"", "\"end_of_word_suffix\": \"</w>\"", "end_of_word_suffix")]
    public void Load_UnsupportedPart_NamesFileAndPart(string old, string by, string named)
    {
        using TemporaryModelFolder folder = TemporaryModelFolder.CopyOf("tiny-qwen");
        string text = System.Text.RegularExpressions.Regex.Replace(folder.Read("tokenizer.json"), @"\s*\n\s*", " ");
        Assert.Contains(old, text, StringComparison.Ordinal);
        folder.Write("tokenizer.json", text.Replace(old, by, StringComparison.Ordinal));
        TokenizerException failure = Assert.Throws<TokenizerException>(() => Tokenizer.Load(folder.Path));
        Assert.Contains("tokenizer.json", failure.Message, StringComparison.Ordinal);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MissingOrTruncatedFile_NamesIt()
    {
        using TemporaryModelFolder folder = TemporaryModelFolder.Empty();
        Assert.Contains("tokenizer.json", Assert.Throws<TokenizerException>(() => Tokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
        folder.Write("tokenizer.json", "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\"");
        Assert.Contains("tokenizer.json", Assert.Throws<TokenizerException>(() => Tokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
        folder.Write("tokenizer.json", "");
        Assert.Throws<TokenizerException>(() => Tokenizer.Load(folder.Path));
    }

    [Fact]
    public void Load_MergesBeforeVocabularyAndAsStrings_GivesTheSameIds()
    {
        using TemporaryModelFolder folder = TemporaryModelFolder.Empty();
        const string Shared = "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false}, \"decoder\": {\"type\": \"ByteLevel\"}";
        const string Vocabulary = "\"vocab\": {\"a\": 0, \"b\": 1, \"Ġ\": 2, \"ab\": 3, \"abĠ\": 4}";
        folder.Write("tokenizer.json", "{\"model\": {\"merges\": [\"a b\", \"ab Ġ\"], " + Vocabulary + "}, " + Shared + "}");
        int[] first = Tokenizer.Load(folder.Path).Encode("abba", false, false);
        folder.Write("tokenizer.json", "{" + Shared + ", \"model\": {" + Vocabulary + ", \"merges\": [[\"a\",\"b\"], [\"ab\",\"Ġ\"]]}}");
        Assert.Equal([3, 1, 0], first);
        Assert.Equal(first, Tokenizer.Load(folder.Path).Encode("abba", false, false));
    }

    [Theory]
    [InlineData("{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(?:(?:(?:(?:){1000}){1000}){1000}){1000}\"}, \"behavior\": \"Isolated\"}", "size")]
    public void Load_PatternThatRepeatsNothing_IsRefusedAtOnce(string preTokenizer, string named) => AssertRefused($"\"pre_tokenizer\": {preTokenizer}", named);

    [Fact]
    public void Load_ReplacementsThatDouble_AreRefused()
    {
        string doubling = string.Join(',', Enumerable.Repeat("{\"type\": \"Replace\", \"pattern\": {\"String\": \"a\"}, \"content\": \"aa\"}", 30));
        AssertRefused($$"""
            "normalizer": {"type": "Sequence", "normalizers": [{{doubling}}]}
            """, "times longer");
        AssertRefused($$"""
            "decoder": {"type": "Sequence", "decoders": [{{doubling}}]}
            """, "times longer");
        AssertRefused($$"""
            "normalizer": {"type": "Prepend", "prepend": "{{new string('x', 1_000)}}"}
            """, "prefix");
    }

    [Fact]
    public void Load_IdFarBeyondTheFile_IsRefused() => AssertRefused("\"added_tokens\": [{\"id\": 4000000, \"content\": \"<x>\"}]", "4000000");

    private static void AssertRefused(string part, string named)
    {
        using TemporaryModelFolder folder = TemporaryModelFolder.Empty();
        folder.Write("tokenizer.json", "{" + part + ", \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}");
        Assert.Contains(named, Assert.Throws<TokenizerException>(() => Tokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }
}
