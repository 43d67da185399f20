using System.Collections.Concurrent;
using Grpc.Core;
using MegaInfer.Proto;

namespace MegaInfer.Server.Tests.Fakes;

/// <summary>
/// An attention node whose tokens come from a script instead of a model, deterministic in what a real one's depend on. By default it answers each sequence at
/// once and in full; with <see cref="IsManual"/> the test sends each part itself.
/// </summary>
internal sealed class FakeAttentionNode : FakeNode
{
    private readonly ConcurrentDictionary<long, StartSequence> _started = new();
    private readonly ConcurrentQueue<long> _cancelled = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private AsyncDuplexStreamingCall<WorkReport, WorkOrder>? _work;
    private Task _working = Task.CompletedTask;

    private FakeAttentionNode(string control)
        : base(control)
    {
    }

    /// <summary>The whole output of a sequence, from its first token; what was resumed is left out by the node.</summary>
    public Func<StartSequence, IReadOnlyList<int>> Script { get; set; } = _ => [.. TestModel.Tokens("Hello!"), TestModel.MessageEnd];

    public bool IsManual { get; set; }

    /// <summary>Sequences that arrived, by id.</summary>
    public IReadOnlyDictionary<long, StartSequence> Started => _started;

    /// <summary>Sequences that the server cancelled.</summary>
    public IReadOnlyCollection<long> Cancelled => _cancelled;

    public static async Task<FakeAttentionNode> AttachAsync(TestServer server, bool isManual = false, int childIndex = -1)
    {
        var node = new FakeAttentionNode(server.Control) { IsManual = isManual };
        int before = server.Parts.Router.LinkCount;
        await node.JoinAsync(Joining(NodeRole.Attention, childIndex));
        await node.SayReadyAsync(await server.Parts.Model.Digest);
        await server.UntilAsync(() => server.Parts.Cluster.Current.Find(new Engine.NodeId(node.Welcome!.NodeId)) is { IsReady: true });
        node._work = node.Client.Work();
        await node._work.RequestStream.WriteAsync(new WorkReport { Hello = new Hello { NodeId = node.Welcome!.NodeId } });
        node._working = node.WorkAsync();
        await server.UntilAsync(() => server.Parts.Router.LinkCount == before + 1);
        return node;
    }

    /// <summary>Sends the next tokens of a sequence, and its end where there is one.</summary>
    public Task SendTokensAsync(long id, IEnumerable<int> tokens, FinishReason? end = null, string message = "")
    {
        StartSequence start = _started[id];
        var progress = new SequenceProgress { SequenceId = id };
        progress.Tokens.AddRange(tokens.Select(token => TokenOf(token, start.TopLogProbs)));
        if (end is { } reason)
            progress.End = new SequenceEnd { Reason = reason, Message = message, CachedTokens = 3 };
        return ReportAsync(new Progress { Sequences = { progress } });
    }

    public Task SendTextAsync(long id, string text) => SendTokensAsync(id, TestModel.Tokens(text));

    public async Task ReportAsync(Progress progress)
    {
        await _writing.WaitAsync();
        try
        {
            await _work!.RequestStream.WriteAsync(new WorkReport { Progress = progress });
        }
        finally
        {
            _writing.Release();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        _work?.Dispose();
        await _working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.DisposeAsync();
    }

    /// <summary>Log-probability and alternatives that follow from the token alone, exact in binary.</summary>
    private static Token TokenOf(int id, int top)
    {
        var token = new Token { Id = id, LogProb = LogProbOf(id) };
        for (int i = 0; i < top; i++)
            token.Top.Add(new TokenLogProb { Id = (id + i) % 256, LogProb = LogProbOf(id) - i });
        return token;
    }

    private static float LogProbOf(int id) => -(id % 16) / 8f - 0.125f;

    private async Task WorkAsync()
    {
        try
        {
            await foreach (WorkOrder order in _work!.ResponseStream.ReadAllAsync())
            {
                if (order.Cancel is { } cancel)
                    _cancelled.Enqueue(cancel.SequenceId);
                if (order.Start is not { } start)
                    continue;
                _started[start.SequenceId] = start;
                if (!IsManual)
                    await AnswerAsync(start);
            }
        }
        catch (RpcException)
        {
            // The server or this side ended it.
        }
    }

    private async Task AnswerAsync(StartSequence start)
    {
        int[] script = [.. Script(start).Take(start.Limits.MaxTokens)];
        FinishReason end = script.Length > 0 && (script[^1] >= 256 || start.Limits.StopTokenIds.Contains(script[^1])) ? FinishReason.Stop : FinishReason.Length;
        int[] left = [.. script.Skip(start.ResumedTokens.Count)];
        for (int i = 0; i < left.Length; i++)
            await SendTokensAsync(start.SequenceId, [left[i]], i == left.Length - 1 ? end : null);
    }
}
