using System.Text;
using CsCheck;
using MegaInfer.Engine.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization;

public sealed class IncrementalDetokenizerTests
{
    // A UTF-8 character has at most four bytes, so an incomplete one at most three.
    private const int MostHeldBack = 3;

    private static readonly Tokenizer Qwen = Tokenizer.Load(Path.Combine(GoldenFile.Folder, "tiny-qwen"));
    private static readonly Tokenizer Mixtral = Tokenizer.Load(Path.Combine(GoldenFile.Folder, "tiny-mixtral"));

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Append_AnyIds_ConcatenatesToTheBytesAsUtf8(bool isQwen, bool skipSpecial)
    {
        Tokenizer tokenizer = isQwen ? Qwen : Mixtral;
        AnyIds(tokenizer).Sample(ids => AssertWhole(tokenizer, ids, skipSpecial), iter: 2_000, threads: 1);
    }

    [Theory]
    [MemberData(nameof(RealTokenizers.Names), MemberType = typeof(RealTokenizers))]
    public void Append_AnyIdsOfARealTokenizer_ConcatenatesToTheBytesAsUtf8(string name)
    {
        (Tokenizer tokenizer, GoldenTokens golden) = RealTokenizers.Load(name);
        Gen.Select(AnyIds(tokenizer), Gen.Bool).Sample((ids, skipSpecial) => AssertWhole(tokenizer, ids, skipSpecial), iter: 1_500, threads: 1);
        foreach (GoldenCase some in golden.Cases)
            AssertWhole(tokenizer, some.Ids, skipSpecial: false);
    }

    // Ids of one text in the order of another: characters are cut in half and halves meet.
    [Theory]
    [MemberData(nameof(RealTokenizers.Names), MemberType = typeof(RealTokenizers))]
    public void Append_ShuffledIdsOfTexts_ConcatenatesToTheBytesAsUtf8(string name)
    {
        (Tokenizer tokenizer, GoldenTokens golden) = RealTokenizers.Load(name);
        int[] split = [.. golden.Cases.SelectMany(some => some.Ids).Where(id => tokenizer.TokenText(id).Contains('\ufffd', StringComparison.Ordinal)).Distinct()];
        Assert.True(split.Length > 50, $"only {split.Length} tokens of {name} hold parts of characters");
        Gen.Int[0, split.Length - 1].Select(i => split[i]).Array[1, 30].Sample(ids => AssertWhole(tokenizer, ids, skipSpecial: true), iter: 1_500, threads: 1);
    }

    [Fact]
    public void Append_BytesOfOneCharacter_AppearOnlyWhenComplete()
    {
        int[] ids = Qwen.Encode("𓀀", addSpecialTokens: false, parseSpecial: false);
        Assert.True(ids.Length > 1);
        IncrementalDetokenizer detokenizer = new(Qwen);
        Assert.Equal([.. Enumerable.Repeat("", ids.Length - 1), "𓀀"], ids.Select(detokenizer.Append));
        detokenizer = new(Qwen);
        Assert.Equal("", detokenizer.Append(ids[0]));
        Assert.Equal("\ufffd", detokenizer.Flush());
    }

    private static Gen<int[]> AnyIds(Tokenizer tokenizer) =>
        Gen.OneOf(Gen.Int[0, tokenizer.VocabSize + 3], Gen.Int[0, Math.Min(400, tokenizer.VocabSize)]).Array[0, 40];

    // Each piece is whole characters, as soon as they are whole, and together they are the text of all bytes.
    private static void AssertWhole(Tokenizer tokenizer, int[] ids, bool skipSpecial)
    {
        IncrementalDetokenizer detokenizer = new(tokenizer, skipSpecial);
        StringBuilder text = new();
        List<byte> bytes = [];
        int shown = 0;
        bool isText = true;
        foreach (int id in ids)
        {
            string piece = detokenizer.Append(id);
            Assert.False(piece.Length > 0 && (char.IsHighSurrogate(piece[^1]) || char.IsLowSurrogate(piece[0])));
            text.Append(piece);
            shown += Encoding.UTF8.GetByteCount(piece);
            if (!skipSpecial || !tokenizer.IsSpecial(id))
                bytes.AddRange(tokenizer.TokenBytes(id).Span);
            // Bytes that are no text come out as U+FFFD, whose length says nothing about theirs.
            isText = isText && !piece.Contains('\ufffd', StringComparison.Ordinal);
            if (isText)
                Assert.InRange(bytes.Count - Dropped(tokenizer, bytes) - shown, 0, MostHeldBack);
        }

        text.Append(detokenizer.Flush());
        string whole = Encoding.UTF8.GetString([.. bytes])[Dropped(tokenizer, bytes)..];
        Assert.Equal(whole, text.ToString());
        Assert.Equal(whole, tokenizer.Decode(ids, skipSpecial));
    }

    // The space that SentencePiece-style texts lose at their start.
    private static int Dropped(Tokenizer tokenizer, List<byte> bytes) => bytes.Count > 0 && bytes[0] == ' ' ? tokenizer.LeadingSpaces : 0;
}
