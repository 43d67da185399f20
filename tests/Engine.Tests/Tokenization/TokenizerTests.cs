using System.Text;
using CsCheck;
using MegaInfer.Engine.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization;

public sealed class TokenizerTests
{
    // Letters of many kinds, so that pieces, merges and normalization all get work.
    private static readonly Gen<string> AnyText = Gen.OneOf(
        Gen.String,
        Gen.String[Gen.Char[" \n\t.,'aeinorst0123456789AZ"], 0, 60],
        Gen.Int[0, 0x10FFFF].Where(Rune.IsValid).Select(value => new Rune(value).ToString()).Array[0, 20].Select(string.Concat));

    private static readonly Tokenizer Qwen = Tokenizer.Load(Path.Combine(GoldenFile.Folder, "tiny-qwen"));
    private static readonly Tokenizer Mixtral = Tokenizer.Load(Path.Combine(GoldenFile.Folder, "tiny-mixtral"));

    [Fact]
    public void Decode_OfEncode_GivesTheTextBack() => AnyText.Sample(text =>
    {
        // Tokens are chosen for the normalized text, so that is what comes back; a lone surrogate half counts as U+FFFD.
        string expected = Normalized(text);
        int[] ids = Qwen.Encode(text, addSpecialTokens: false, parseSpecial: false);
        Assert.Equal(expected, Qwen.Decode(ids, skipSpecial: false));
    }, iter: 3_000, threads: 1);

    [Fact]
    public void Decode_OfEncodeWithByteFallback_GivesTheTextBack() => AnyText.Sample(text =>
    {
        string expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('\u2581', ' ');
        int[] ids = Mixtral.Encode(text, addSpecialTokens: false, parseSpecial: false);
        Assert.Equal(expected, Mixtral.Decode(ids, skipSpecial: false));
    }, iter: 3_000, threads: 1);

    [Fact]
    public void Encode_SpecialTextFromUsers_StaysText()
    {
        int end = Qwen.AddedTokenId("<|im_end|>")!.Value;
        int call = Qwen.AddedTokenId("<tool_call>")!.Value;
        int[] parsed = Qwen.Encode("a<|im_end|><tool_call>", addSpecialTokens: false, parseSpecial: true);
        int[] plain = Qwen.Encode("a<|im_end|><tool_call>", addSpecialTokens: false, parseSpecial: false);
        Assert.Equal([end, call], parsed[1..]);
        Assert.DoesNotContain(end, plain);
        Assert.DoesNotContain(call, plain);
        Assert.Equal("a<|im_end|><tool_call>", Qwen.Decode(plain, skipSpecial: true));
    }

    [Fact]
    public void Encode_PlainAddedTokens_AreFoundEvenInTextFromUsers()
    {
        int spaces = Qwen.AddedTokenId("        ")!.Value;
        Assert.Contains(spaces, Qwen.Encode("a        b", addSpecialTokens: false, parseSpecial: false));
    }

    [Fact]
    public void Encode_AddSpecialTokens_PutsTheBeginTokenInFront()
    {
        Assert.Equal(1, Mixtral.BosId);
        Assert.Equal(1, Mixtral.Encode("a", addSpecialTokens: true, parseSpecial: false)[0]);
        Assert.NotEqual(1, Mixtral.Encode("a", addSpecialTokens: false, parseSpecial: false)[0]);
        Assert.Null(Qwen.BosId);
    }

    [Fact]
    public void Decode_SkipSpecial_LeavesOnlySpecialTokensOut()
    {
        int[] ids = Qwen.Encode("<|im_start|>a<think>b<|im_end|>", addSpecialTokens: false, parseSpecial: true);
        Assert.Equal("a<think>b", Qwen.Decode(ids, skipSpecial: true));
        Assert.Equal("<|im_start|>a<think>b<|im_end|>", Qwen.Decode(ids, skipSpecial: false));
        Assert.True(Qwen.IsSpecial(ids[0]));
        Assert.Equal("<|im_start|>", Qwen.TokenText(ids[0]));
    }

    [Fact]
    public void Decode_UnknownIds_AddNothing()
    {
        Assert.Equal("", Qwen.Decode([-1, Qwen.VocabSize, int.MaxValue], skipSpecial: false));
        Assert.True(Qwen.TokenBytes(int.MaxValue).IsEmpty);
    }

    [Fact]
    public void TokenBytes_OfAllTokensOfAText_AreItsUtf8()
    {
        const string Text = "Grüße 你好 😀!";
        int[] ids = Qwen.Encode(Text, addSpecialTokens: false, parseSpecial: false);
        byte[] bytes = [.. ids.SelectMany(id => Qwen.TokenBytes(id).ToArray())];
        Assert.Equal(Encoding.UTF8.GetBytes(Text), bytes);
    }

    [Fact]
    public void EosIds_ComeFromTokenizerAndGenerationConfig()
    {
        using TemporaryModelFolder folder = TemporaryModelFolder.CopyOf("tiny-qwen");
        Assert.Equal([Qwen.AddedTokenId("<|im_end|>")!.Value], Qwen.EosIds);
        folder.Write("generation_config.json", """{"eos_token_id": [7, 8]}""");
        Assert.Equal([Qwen.AddedTokenId("<|im_end|>")!.Value, 7, 8], Tokenizer.Load(folder.Path).EosIds);
    }

    [Fact]
    public void Encode_FromManyThreads_GivesTheSameIds()
    {
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => $"The answer to {i} is {i * 7}, isn't it? Größe {i}")];
        int[][] expected = [.. texts.Select(text => Tokenizer.Load(Path.Combine(GoldenFile.Folder, "tiny-qwen")).Encode(text, false, false))];
        Parallel.For(0, 2_000, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
            Assert.Equal(expected[i % 200], Qwen.Encode(texts[i % 200], false, false)));
    }

    [Fact]
    public void Encode_LongUnbrokenPiece_TakesAboutLinearTime()
    {
        // Quadratic merging would take minutes here.
        string text = string.Concat(Enumerable.Repeat("answer", 50_000));
        int[] ids = Qwen.Encode(text, addSpecialTokens: false, parseSpecial: false);
        Assert.Equal(text, Qwen.Decode(ids, skipSpecial: false));
    }

    private static string Normalized(string text) =>
        new MegaInfer.Engine.Tokenization.Normalizers.NfcNormalizer().Normalize(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)));
}
