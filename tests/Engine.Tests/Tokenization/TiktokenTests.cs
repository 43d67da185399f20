using CsCheck;
using MegaInfer.Engine.Tokenization;
using MegaInfer.Engine.Tokenization.Patterns;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>Model folders with tiktoken.model in place of tokenizer.json.</summary>
public sealed class TiktokenTests : IDisposable
{
    private static readonly string[] Fragments =
    [
        "The", " quick", "isn't", "IT'S", "I'LL", "we've", "'ſ", "don’t", " ", "  ", "   ", "\n", "\r\n", "\t", "今天", "天气很好", "，", "。", "々", "〇", "Größe", "é", "e\u0301", "ПРИВЕТ", "мир", "ǅ", "ʰ",
        "ا", "한", "カ", "1", "42", "1234567", "٣", "Ⅻ", "²", "(", "++", " //", "...", "—", "€", "\u0000", "\u0085", "\u00a0", "\u3000", "[BOS]", "[EOS]", "<|im_end|>", "<|im_user|>", "<|tool_call_begin|>",
        "<|reserved_token_603|>", "<|reserved_token_855|>", "<|reserved_token_856|>", "<|im_", "A", "b", "Zq", "ABCdef", "aB", "中A文b",
    ];

    private static readonly IReadOnlyDictionary<string, int> Specials = MakeSpecials();

    private readonly TemporaryModelFolder _folder = TiktokenModel.Folder();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Encode_AnyText_GivesTheNaiveIds()
    {
        Tokenizer tokenizer = Tokenizer.Load(_folder.Path);
        NaiveTiktoken naive = new(TiktokenModel.Ranks, Specials);
        Gen.Int[0, Fragments.Length - 1].Select(i => Fragments[i]).Array[0, 20].Select(parts => string.Concat(parts)).Sample(text =>
        {
            int[] ids = tokenizer.Encode(text, addSpecialTokens: true, parseSpecial: true);
            Assert.Equal(naive.Encode(text), ids);
            Assert.Equal(text, tokenizer.Decode(ids, skipSpecial: false));
        }, iter: 3_000, threads: 1);
    }

    [Fact]
    public void Load_KimiFolder_KnowsItsSpecialTokens()
    {
        Tokenizer tokenizer = Tokenizer.Load(_folder.Path);
        Assert.Equal(600, tokenizer.BosId);
        Assert.Equal([601], tokenizer.EosIds);
        Assert.Equal(856, tokenizer.VocabSize);
        Assert.Equal([602, 603, 610], tokenizer.Encode("<|im_end|><|reserved_token_603|><|tool_call_begin|>", false, parseSpecial: true));
        Assert.Equal("<|tool_call_begin|>", tokenizer.Decode([600, 610, 602, 855], skipSpecial: true));
        Assert.Equal("😀", tokenizer.Decode(tokenizer.Encode("😀", false, false), skipSpecial: false));
    }

    // 25,000 characters in a row that are no white space, as Chinese text has, are cut there before the pattern sees them.
    [Fact]
    public void Encode_LongRun_IsCutWhereKimiCutsIt()
    {
        Tokenizer tokenizer = Tokenizer.Load(_folder.Path);
        NaiveTiktoken naive = new(TiktokenModel.Ranks, Specials);
        string pair = TiktokenModel.Ranks.Keys.First(key => key.Length == 2 && key.All(char.IsAsciiLetterLower));
        string run = string.Concat(Enumerable.Repeat(pair + "1", 10_000));
        string text = "a " + run + "  ok\n" + run[..7];
        int[] expected = [.. naive.Encode("a " + run[..25_000]), .. naive.Encode(run[25_000..] + "  ok\n" + run[..7])];
        Assert.NotEqual(naive.Encode(text), expected);
        Assert.Equal(expected, tokenizer.Encode(text, false, false));
        string words = string.Concat(Enumerable.Repeat("fox jumps. ", 40_000));
        Assert.Equal([.. naive.Encode(words[..400_000]), .. naive.Encode(words[400_000..])], tokenizer.Encode(words, false, false));
    }

    // gpt-oss's tokens are ranks too, and its split pattern differs from Kimi's only where Han characters, a slash or the long s stand.
    [Fact]
    public void Load_RealVocabularyAsTiktokenModel_GivesTheReferenceIds()
    {
        const int Ranks = 199_998;
        (Tokenizer gptOss, GoldenTokens golden) = RealTokenizers.Load("gptoss");
        using TemporaryModelFolder folder = TemporaryModelFolder.Empty();
        folder.Write("tiktoken.model", string.Join('\n', Enumerable.Range(0, Ranks).Select(id => $"{Convert.ToBase64String(gptOss.TokenBytes(id).Span)} {id}")));
        folder.Write("tokenizer_config.json", """{"tokenizer_class": "TikTokenTokenizer"}""");
        Tokenizer tokenizer = Tokenizer.Load(folder.Path);
        UnicodeScripts.TryGet("Han", out (int First, int Last)[] han);
        GoldenCase[] alike = [.. golden.Cases.Where(some => some.Ids.All(id => id < Ranks) && !some.Text.AsSpan().ContainsAny('/', 'ſ')
            && !some.Text.EnumerateRunes().Any(rune => han.Any(range => rune.Value >= range.First && rune.Value <= range.Last)))];
        Assert.True(alike.Length > 800, $"only {alike.Length} strings can be compared");
        Assert.All(alike, some => Assert.Equal(some.Ids, tokenizer.Encode(some.Text, false, parseSpecial: true)));
    }

    [Theory]
    [InlineData("IQ==", "line 1")]
    [InlineData("I*== 0", "base64")]
    [InlineData(" 0", "line 1")]
    [InlineData("IQ== one", "rank")]
    [InlineData("IQ== 99999999999", "rank")]
    [InlineData("IQ== -1", "rank")]
    [InlineData("IQ== 4000000", "rank")]
    [InlineData("IQ== 0\nIg== 0", "line 2")]
    [InlineData("IQ== 0\n\n\nIg== 2", "highest rank")]
    [InlineData("IQ== 0\nIg== 1", "the byte")]
    [InlineData("", "the byte")]
    public void Load_DamagedModel_NamesFileAndPlace(string model, string named)
    {
        _folder.Write("tiktoken.model", model);
        TokenizerException failure = Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder.Path));
        Assert.Contains("tiktoken.model", failure.Message, StringComparison.Ordinal);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"TikTokenTokenizer\"", "\"QWenTokenizer\"", "QWenTokenizer")]
    [InlineData("\"610\"", "\"77\"", "77")]
    [InlineData("\"610\"", "\"99999999\"", "99999999")]
    public void Load_OtherConfig_NamesWhatIsWrong(string old, string by, string named)
    {
        _folder.Write("tokenizer_config.json", TiktokenModel.Config.Replace(old, by, StringComparison.Ordinal));
        Assert.Contains(named, Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    private static Dictionary<string, int> MakeSpecials()
    {
        Dictionary<string, int> specials = new() { ["[BOS]"] = 600, ["[EOS]"] = 601, ["<|im_end|>"] = 602, ["<|im_user|>"] = 604, ["<|tool_call_begin|>"] = 610 };
        foreach (int id in Enumerable.Range(600, 256).Except(specials.Values).ToArray())
            specials.Add($"<|reserved_token_{id}|>", id);
        return specials;
    }
}
