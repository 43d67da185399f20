using CsCheck;
using MegaInfer.Rl.Tasks;
using MegaInfer.Rl.Tokens;
using Xunit;

namespace MegaInfer.Rl.Tests.Tokens;

public sealed class BytePairEncodingTests
{
    private static readonly BytePairEncoding Encoding = new(MergeLearner.Learn(
        Enumerable.Repeat("What is the sum of 12 and 34? The answer is Answer: 46. Käse × 日本", 10), 60));

    [Fact]
    public void Encode_AnyText_DecodesToItself() =>
        Gen.String[Gen.Char[' ', '\u2fff'], 0, 40].Sample(text =>
        {
            List<int> ids = [];
            Encoding.Encode(text, ids);
            return Encoding.Decode(ids) == text;
        }, threads: 1); // an encoding caches pieces and belongs to one thread

    [Fact]
    public void Encode_Digits_StandAlone()
    {
        List<int> ids = [];
        Encoding.Encode("12 and 34", ids);
        Assert.Equal(["1", "2", " and", " ", "3", "4"], ids.Select(id => Encoding.Decode([id])));
    }

    [Fact]
    public void Learn_Merges_SpellDistinctTokens()
    {
        string[] spellings = [.. Enumerable.Range(0, Encoding.EndOfText).Select(id => string.Join(',', Encoding.BytesOf(id)))];
        Assert.Equal(spellings.Length, spellings.Distinct().Count());
        Assert.Equal(256, spellings.Count(spelling => !spelling.Contains(',')));
    }

    [Fact]
    public void EncodeConversation_Chat_TeachesRepliesAndTheirEndMarksOnly()
    {
        ChatEncoder encoder = new(Encoding);
        Conversation chat = new("Be brief.", [new Turn("1 + 2", "Answer: 3", null), new Turn("Bye", "Goodbye!", null)], IsBare: false);
        EncodedConversation encoded = encoder.Encode(chat);
        int[] taught = [.. encoded.Ids.Where((_, i) => encoded.IsTaught[i])];
        Assert.Equal("Answer: 3Goodbye!", Encoding.Decode(taught));
        Assert.Equal(2, taught.Count(id => id == Encoding.EndOfMessage));
        int[] prompt = encoder.EncodePrompt("1 + 2", "Be brief.");
        Assert.Equal(prompt, encoded.Ids.Take(prompt.Length));
        Assert.True(encoded.IsTaught[prompt.Length] && !encoded.IsTaught[prompt.Length - 1]);
    }
}
