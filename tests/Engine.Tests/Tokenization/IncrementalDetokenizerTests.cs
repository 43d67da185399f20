using System.Text;
using CsCheck;
using MegaInfer.Engine.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization;

public sealed class IncrementalDetokenizerTests
{
    private static readonly Tokenizer Qwen = Tokenizer.Load(Path.Combine(GoldenFile.Folder, "tiny-qwen"));
    private static readonly Tokenizer Mixtral = Tokenizer.Load(Path.Combine(GoldenFile.Folder, "tiny-mixtral"));

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Append_AnyIds_ConcatenatesToTheBytesAsUtf8(bool isQwen, bool skipSpecial)
    {
        Tokenizer tokenizer = isQwen ? Qwen : Mixtral;
        Gen.Int[0, tokenizer.VocabSize + 3].Array[0, 40].Sample(ids =>
        {
            IncrementalDetokenizer detokenizer = new(tokenizer, skipSpecial);
            StringBuilder text = new();
            foreach (int id in ids)
            {
                string piece = detokenizer.Append(id);
                Assert.False(piece.Length > 0 && (char.IsHighSurrogate(piece[^1]) || char.IsLowSurrogate(piece[0])));
                text.Append(piece);
            }

            text.Append(detokenizer.Flush());
            Assert.Equal(tokenizer.Decode(ids, skipSpecial), text.ToString());
            byte[] bytes = [.. ids.Where(id => !skipSpecial || !tokenizer.IsSpecial(id)).SelectMany(id => tokenizer.TokenBytes(id).ToArray())];
            string whole = Encoding.UTF8.GetString(bytes);
            Assert.Equal(isQwen || !whole.StartsWith(' ') ? whole : whole[1..], text.ToString());
        }, iter: 2_000, threads: 1);
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
}
