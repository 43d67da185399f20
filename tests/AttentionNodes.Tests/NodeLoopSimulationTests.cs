using CsCheck;
using MegaInfer.AttentionNodes.Tests.Pipeline;
using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Requests;
using MegaInfer.M2N;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests;

/// <summary>
/// Random submissions, cancellations, deadlines, expert failures and outages against the production loop with real kernels, on a manual clock: every sequence
/// ends exactly once, its tokens are a beginning of what the reference generates, and no block is lost.
/// </summary>
public sealed class NodeLoopSimulationTests(TinyModel model) : IClassFixture<TinyModel>
{
    private const int Contents = 4;
    private static readonly Gen<(int Verb, int A, int B)> Move = Gen.Select(Gen.Int[0, 11], Gen.Int[1, 40], Gen.Int[0, 20]);

    // The longest generation of each content and prompt length, made when first needed.
    private readonly Dictionary<(int Length, int Content), string[]> _expected = [];

    [Fact]
    public void RandomLives_EndOnceWithTheReferenceTokens() =>
        Gen.Select(Gen.Int[5, 20], Gen.Int[1, 20], Gen.Int[0, 4], Gen.Bool, Move.List[1, 60]).Sample(
            (blocks, chunkRows, microBatches, hasPrefixCache, moves) =>
            {
                AttentionNodeOptions options = LoopRig.Options with
                {
                    KvBlocks = blocks,
                    MaxChunkRows = chunkRows,
                    MicroBatches = microBatches,
                    MinimumMicroBatchRows = 1,
                    HasPrefixCache = hasPrefixCache,
                    MaxSequences = 4,
                };
                using var rig = new LoopRig(model, options);
                Run(rig, moves);
            },
            iter: 60,
            threads: 1);

    private void Run(LoopRig rig, List<(int Verb, int A, int B)> moves)
    {
        var requests = new List<GenerationRequest>();
        int failures = 0;
        rig.Twin.OnCombine = () => failures-- > 0 ? M2NStatus.Timeout : M2NStatus.Ok;
        foreach ((int verb, int a, int b) in moves)
        {
            switch (verb)
            {
                case 0 or 1 or 2:
                    requests.Add(Prompts.Of(requests.Count, a, 1 + b, content: a % Contents) with
                    {
                        Deadline = b % 4 == 0 ? TimeSpan.FromSeconds(a) : null,
                    });
                    Assert.True(rig.Loop.Submit(requests[^1]));
                    break;
                case 3:
                    rig.Loop.Cancel(new SequenceId(b));
                    break;
                case 4:
                    rig.Time.Advance(TimeSpan.FromSeconds(b));
                    break;
                case 5:
                    failures = b / 4;
                    break;
                case 6:
                    rig.Twin.IsReachable = b % 2 == 0;
                    break;
                default:
                    rig.Turn();
                    break;
            }
        }

        rig.RunToIdle();
        Assert.Equal(requests.Select(request => request.Id), rig.Ends.Keys.OrderBy(id => id.Value));
        Assert.Equal(0, rig.Loop.Metrics.KvBlocksUsed);
        Assert.All(requests, request => Check(rig, request));
    }

    private void Check(LoopRig rig, GenerationRequest request)
    {
        string[] expected = Expected(request);
        string[] tokens = [.. rig.Tokens[request.Id].Select(token => Prompts.Bits([token]))];
        Assert.Equal(expected[..tokens.Length], tokens);
        if (rig.Ends[request.Id].Reason == FinishReason.Length)
            Assert.Equal(request.MaxTokens, tokens.Length);
    }

    private string[] Expected(GenerationRequest request)
    {
        (int, int) key = (request.PromptTokens.Length, (int)(request.Sampling.Seed - 1000));
        if (!_expected.TryGetValue(key, out string[]? expected))
        {
            IEnumerable<GeneratedToken> tokens = model.Reference(NumberType.BFloat16).Generate(request with { MaxTokens = 21, Deadline = null }).Tokens;
            _expected[key] = expected = [.. tokens.Select(token => Prompts.Bits([token]))];
        }

        return expected;
    }
}
