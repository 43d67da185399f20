using CsCheck;
using MegaInfer.Engine.Requests;
using MegaInfer.Engine.Sampling;
using Xunit;

namespace MegaInfer.Engine.Tests.Sampling;

public sealed class LogProbsTests
{
    private static readonly Gen<float[]> AnyLogits = Gen.Int[-30, 30].Select(value => value / 4f).Array[1, 50];

    [Fact]
    public void Of_AllTokens_SumToOne() =>
        AnyLogits.Sample(logits =>
        {
            double logSumExp = LogProbs.LogSumExp(logits);
            Assert.Equal(1, logits.Sum(logit => Math.Exp(LogProbs.Of(logit, logSumExp))), 1e-5);
        });

    [Fact]
    public void LogSumExp_LargeLogits_DoesNotOverflow()
    {
        Assert.Equal(1000 + Math.Log(2), LogProbs.LogSumExp([1000f, 1000f, -1000f]), 1e-12);
        Assert.Equal(-1000 + Math.Log(2), LogProbs.LogSumExp([-1000f, -1000f]), 1e-12);
    }

    [Fact]
    public void Top_AnyCount_IsTheSortedHead() =>
        Gen.Select(AnyLogits, Gen.Int[0, 20]).Sample((logits, wanted) =>
        {
            double logSumExp = LogProbs.LogSumExp(logits);
            var top = new TokenLogProb[wanted];
            int count = LogProbs.Top(logits, logSumExp, top);
            IEnumerable<TokenLogProb> expected = logits.Select((logit, id) => (Id: id, Logit: logit)).OrderByDescending(token => token.Logit)
                .ThenBy(token => token.Id).Take(wanted).Select(token => new TokenLogProb(token.Id, LogProbs.Of(token.Logit, logSumExp)));
            Assert.Equal(expected, top.Take(count));
        });
}
