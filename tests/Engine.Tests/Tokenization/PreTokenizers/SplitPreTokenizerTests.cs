using MegaInfer.Engine.Tokenization.Patterns;
using MegaInfer.Engine.Tokenization.PreTokenizers;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization.PreTokenizers;

public sealed class SplitPreTokenizerTests
{
    [Theory]
    [InlineData(SplitBehavior.Removed, false, "the|final|countdown")]
    [InlineData(SplitBehavior.Isolated, false, "the|-|final|-|-|countdown")]
    [InlineData(SplitBehavior.MergedWithPrevious, false, "the-|final-|-|countdown")]
    [InlineData(SplitBehavior.MergedWithNext, false, "the|-final|-|-countdown")]
    [InlineData(SplitBehavior.Contiguous, false, "the|-|final|--|countdown")]
    [InlineData(SplitBehavior.Removed, true, "-|-|-")]
    public void Split_Behavior_CutsLikeHuggingFace(object behavior, bool isInverted, string expected)
    {
        SplitPreTokenizer splitter = new(new SplitPattern("-"), (SplitBehavior)behavior, isInverted);
        List<ReadOnlyMemory<char>> pieces = [];
        splitter.Split("the-final--countdown".AsMemory(), isTextStart: true, pieces);
        Assert.Equal(expected, string.Join('|', pieces));
    }

    [Theory]
    [InlineData(MetaspacePrepend.Always, false, "▁Hey|▁you")]
    [InlineData(MetaspacePrepend.First, true, "▁Hey|▁you")]
    [InlineData(MetaspacePrepend.First, false, "Hey|▁you")]
    [InlineData(MetaspacePrepend.Never, true, "Hey|▁you")]
    public void Metaspace_Scheme_PutsMarksWhereAsked(object scheme, bool isTextStart, string expected)
    {
        List<ReadOnlyMemory<char>> pieces = [];
        new MetaspacePreTokenizer('\u2581', (MetaspacePrepend)scheme, splits: true).Split("Hey you".AsMemory(), isTextStart, pieces);
        Assert.Equal(expected, string.Join('|', pieces));
    }
}
