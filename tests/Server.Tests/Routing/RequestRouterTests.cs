using CsCheck;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Proto;
using MegaInfer.Server.Health;
using MegaInfer.Server.Routing;
using MegaInfer.Server.Streaming;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using FinishReason = MegaInfer.Engine.Requests.FinishReason;

namespace MegaInfer.Server.Tests.Routing;

/// <summary>The router without sockets: links are driven by hand, time stands still unless moved.</summary>
public sealed class RequestRouterTests
{
    private const int Vocabulary = 100;
    private const int Eos = 99;

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Submit_GoesToTheIdlestNode_UnlessAnotherHasThePrefix()
    {
        using RequestRouter router = Router();
        using AttentionLink first = Attach(router, 1);
        using AttentionLink second = Attach(router, 2);
        int[] shared = [.. Enumerable.Range(0, 40)];
        Submit(router, shared);
        Assert.Single(first.Running);
        Submit(router, [50]);
        Assert.Single(second.Running);
        // A longer prompt with the same beginning follows it, although that node is as busy.
        Submit(router, [.. shared, 7]);
        Assert.Equal(2, first.Running.Count);
        Submit(router, [51]);
        Assert.Equal(2, second.Running.Count);
    }

    [Fact]
    public void Submit_AllOrNone_WhenTheQueueIsShort()
    {
        using RequestRouter router = Router(maxQueue: 1);
        using AttentionLink link = Attach(router, 1, capacity: 2);
        Assert.Throws<AdmissionException>(() => Submit(router, [1], count: 4));
        Assert.Equal(0, router.ActiveCount);
        Submit(router, [1], count: 3);
        Assert.Equal(2, link.Running.Count);
        AdmissionException refusal = Assert.Throws<AdmissionException>(() => Submit(router, [1]));
        Assert.False(refusal.IsStopping);
        Assert.True(refusal.RetryAfter >= TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void Detach_AfterTheLastToken_EndsInsteadOfMoving()
    {
        using RequestRouter router = Router();
        using AttentionLink link = Attach(router, 1);
        TokenStream byLength = Submit(router, [1], maxTokens: 2)[0];
        TokenStream byEos = Submit(router, [1], maxTokens: 9)[0];
        Report(router, link, byLength, 5, 6);
        Report(router, link, byEos, 5, Eos);
        router.Detach(link);
        Assert.Equal(FinishReason.Length, byLength.End.Reason);
        Assert.Equal(FinishReason.Stop, byEos.End.Reason);
    }

    [Fact]
    public void Detach_GivesTheRestOfTheDeadlineToTheNextNode()
    {
        using RequestRouter router = Router();
        AttentionLink link = Attach(router, 1);
        TokenStream stream = Submit(router, [1], deadline: TimeSpan.FromSeconds(10))[0];
        _time.Advance(TimeSpan.FromSeconds(4));
        router.Detach(link);
        using AttentionLink next = Attach(router, 2);
        Assert.Equal(6000, Orders(next).Single().Start.Limits.DeadlineMs);
        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(FinishReason.DeadlineExceeded, stream.End.Reason);
        Assert.Equal(stream.Request.Id.Value, Orders(next).Single().Cancel.SequenceId);
    }

    [Fact]
    public void Report_ClientThatDoesNotRead_IsEndedAndOthersGoOn()
    {
        using RequestRouter router = Router(streamCapacity: 3);
        using AttentionLink link = Attach(router, 1);
        TokenStream slow = Submit(router, [1])[0];
        TokenStream quick = Submit(router, [2])[0];
        for (int i = 0; i < 10; i++)
        {
            Report(router, link, slow, i);
            Report(router, link, quick, i);
            Assert.True(quick.TryTake(out _));
        }

        Assert.Equal(FinishReason.Failed, slow.End.Reason);
        Assert.Contains("unread", slow.End.Message, StringComparison.Ordinal);
        Assert.Contains(Orders(link), order => order.Cancel?.SequenceId == slow.Request.Id.Value);
        Assert.Equal(1, router.ActiveCount);
    }

    [Fact]
    public void Report_LastTokenThatNoLongerFits_IsNotAnOrdinaryEnd()
    {
        using RequestRouter router = Router(streamCapacity: 2);
        using AttentionLink link = Attach(router, 1);
        TokenStream stream = Submit(router, [1], maxTokens: 3)[0];
        Report(router, link, stream, 1, 2);
        router.Report(link, new Progress
        {
            Sequences = { new SequenceProgress { SequenceId = stream.Request.Id.Value, Tokens = { new Token { Id = 3 } }, End = new Proto.SequenceEnd { Reason = Proto.FinishReason.Length } } },
        });
        Assert.Equal(FinishReason.Failed, stream.End.Reason);
    }

    [Fact]
    public void PromptLogits_SentAgainAfterAMove_ArriveOnce()
    {
        using RequestRouter router = Router();
        AttentionLink link = Attach(router, 1);
        GenerationRequest request = Request(router, [1, 2], maxTokens: 0) with { PromptLogits = true };
        TokenStream stream = router.Submit([request])[0];
        byte[] logits = [.. Enumerable.Range(0, 2 * Vocabulary * 4).Select(i => (byte)i)];
        ReportLogits(router, link, request, logits[..300], isLast: false);
        router.Detach(link);
        using AttentionLink next = Attach(router, 2);
        ReportLogits(router, next, request, logits[..500], isLast: false);
        ReportLogits(router, next, request, logits[500..], isLast: true);
        var got = new List<byte>();
        while (stream.TryTake(out StreamItem item))
            got.AddRange(item.PromptLogits.Span);
        Assert.Equal(logits, got);
        Assert.Equal(FinishReason.Length, stream.End.Reason);
    }

    [Fact]
    public void NodeThatBreaksTheContract_IsGivenUp()
    {
        using RequestRouter router = Router();
        using AttentionLink link = Attach(router, 1);
        TokenStream stream = Submit(router, [1], maxTokens: 2)[0];
        Report(router, link, stream, 1, 2, 3);
        Assert.Contains("more than the 2 tokens", link.CloseReason, StringComparison.Ordinal);
        Assert.False(stream.TryTake(out _));
    }

    [Fact]
    public async Task Drain_WaitsForWhatRuns_AndEndsTheRestAtItsBound()
    {
        using RequestRouter router = Router();
        using AttentionLink link = Attach(router, 1);
        TokenStream ends = Submit(router, [1])[0];
        TokenStream stays = Submit(router, [2])[0];
        Task draining = router.DrainAsync(TimeSpan.FromSeconds(30), CancellationToken.None);
        Assert.True(Assert.Throws<AdmissionException>(() => Submit(router, [3])).IsStopping);
        ReportEnd(router, link, ends, FinishReason.Stop);
        Assert.False(draining.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(30));
        await draining.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(FinishReason.Stop, ends.End.Reason);
        Assert.True(stays.End.IsUnavailable);
    }

    /// <summary>
    /// Whatever happens (nodes come and go, clients leave, deadlines pass), every admitted sequence ends exactly once, its tokens are those of its script in order, and nodes never
    /// have more than they can hold.
    /// </summary>
    [Fact]
    public void AnyLife_EndsEverySequenceOnce_WithItsOwnTokens() =>
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 1000]).Array[1, 120].Sample(events => new RouterLife().Run(events));

    internal static int TokenAt(long id, int position) => (int)((id * 31) + (position * 7)) % 90;

    internal static GenerationRequest Request(RequestRouter router, int[] prompt, int maxTokens = 50, TimeSpan? deadline = null) => new()
    {
        Id = router.NextId(),
        PromptTokens = prompt,
        MaxTokens = maxTokens,
        Sampling = new SamplingParameters { Seed = 1 },
        Deadline = deadline,
    };

    internal static RequestRouter Router(FakeTimeProvider time, int maxQueue, int streamCapacity) => new(
        new RouterOptions { MaxQueue = maxQueue, MaxSequences = 4, StreamCapacity = streamCapacity, VocabularySize = Vocabulary, EosTokenIds = [Eos] },
        time, new ServerMetrics(), NullLogger.Instance);

    internal static List<WorkOrder> Orders(AttentionLink link)
    {
        var orders = new List<WorkOrder>();
        while (link.Orders.TryRead(out WorkOrder? order))
            orders.Add(order);
        return orders;
    }

    private static void Report(RequestRouter router, AttentionLink link, TokenStream stream, params int[] tokens)
    {
        var progress = new SequenceProgress { SequenceId = stream.Request.Id.Value };
        progress.Tokens.AddRange(tokens.Select(id => new Token { Id = id }));
        router.Report(link, new Progress { Sequences = { progress } });
    }

    private static void ReportEnd(RequestRouter router, AttentionLink link, TokenStream stream, FinishReason reason) => router.Report(
        link, new Progress { Sequences = { new SequenceProgress { SequenceId = stream.Request.Id.Value, End = new Proto.SequenceEnd { Reason = (Proto.FinishReason)(int)reason } } } });

    private static void ReportLogits(RequestRouter router, AttentionLink link, GenerationRequest request, byte[] logits, bool isLast)
    {
        var progress = new SequenceProgress { SequenceId = request.Id.Value, PromptLogits = Google.Protobuf.ByteString.CopyFrom(logits) };
        if (isLast)
            progress.End = new Proto.SequenceEnd { Reason = Proto.FinishReason.Length };
        router.Report(link, new Progress { Sequences = { progress } });
    }

    private static AttentionLink Attach(RequestRouter router, int node, int capacity = 4)
    {
        var link = new AttentionLink(new NodeId(node), capacity);
        router.Attach(link);
        return link;
    }

    private static IReadOnlyList<TokenStream> Submit(RequestRouter router, int[] prompt, int count = 1, int maxTokens = 50, TimeSpan? deadline = null) =>
        router.Submit([.. Enumerable.Range(0, count).Select(_ => Request(router, prompt, maxTokens, deadline))]);

    private RequestRouter Router(int maxQueue = 10, int streamCapacity = 100) => Router(_time, maxQueue, streamCapacity);
}
