using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Proto;
using MegaInfer.Server.Routing;
using MegaInfer.Server.Streaming;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using FinishReason = MegaInfer.Engine.Requests.FinishReason;

namespace MegaInfer.Server.Tests.Routing;

/// <summary>A router, its nodes and its clients under a list of events; checks as it goes.</summary>
internal sealed class RouterLife
{
    private const int MaxTokens = 6;

    private readonly FakeTimeProvider _time = new();
    private readonly RequestRouter _router;
    private readonly List<FakeLink> _nodes = [];
    private readonly List<(TokenStream Stream, List<int> Read)> _clients = [];
    private int _lastNode;

    public RouterLife() => _router = RequestRouterTests.Router(_time, maxQueue: 5, streamCapacity: 100);

    public void Run((int Kind, int Pick)[] events)
    {
        using RequestRouter router = _router;
        foreach ((int kind, int pick) in events)
        {
            Happen(kind, pick);
            Check();
        }

        Finish();
    }

    private void Happen(int kind, int pick)
    {
        switch (kind)
        {
            case 0:
                var node = new FakeLink(new NodeId(++_lastNode));
                _nodes.Add(node);
                _router.Attach(node.Link);
                break;
            case 1 when _nodes.Count > 0:
                FakeLink lost = _nodes[pick % _nodes.Count];
                _nodes.Remove(lost);
                _router.Detach(lost.Link);
                lost.Link.Dispose();
                break;
            case 2 or 3:
                Submit(pick);
                break;
            case 4 when _clients.Count > 0:
                _clients[pick % _clients.Count].Stream.Dispose();
                break;
            case 5:
                _time.Advance(TimeSpan.FromSeconds(pick % 20));
                break;
            case >= 6 when _nodes.Count > 0:
                _nodes[pick % _nodes.Count].Step(_router);
                break;
        }
    }

    private void Submit(int pick)
    {
        try
        {
            TimeSpan? deadline = pick % 4 == 0 ? TimeSpan.FromSeconds(15) : null;
            GenerationRequest request = RequestRouterTests.Request(_router, [.. Enumerable.Range(0, 1 + (pick % 40))], MaxTokens, deadline);
            _clients.Add((_router.Submit([request])[0], []));
        }
        catch (AdmissionException)
        {
            Assert.True(_router.ActiveCount >= 5, "refused although there was room");
        }
    }

    private void Check()
    {
        Assert.All(_nodes, node => Assert.InRange(node.Link.Running.Count, 0, node.Link.Capacity));
        Assert.All(_nodes, node => Assert.Equal(node.Link.Running.Values.Sum(sequence => sequence.Load), node.Link.OutstandingTokens));
        foreach ((TokenStream stream, List<int> read) in _clients)
        {
            while (stream.TryTake(out StreamItem item))
                read.Add(item.Token.Id);
            Assert.Equal(Enumerable.Range(0, read.Count).Select(i => RequestRouterTests.TokenAt(stream.Request.Id.Value, i)), read);
        }
    }

    private void Finish()
    {
        Happen(0, 0);
        for (int i = 0; i < 10 * MaxTokens && _router.ActiveCount > 0; i++)
        {
            foreach (FakeLink node in _nodes)
                node.Step(_router);
            Check();
        }

        Assert.Equal(0, _router.ActiveCount);
        foreach ((TokenStream stream, List<int> read) in _clients)
        {
            FinishReason reason = stream.End.Reason;
            Assert.True(reason != FinishReason.Length || read.Count == MaxTokens);
            Assert.True(reason is FinishReason.Length or FinishReason.Cancelled or FinishReason.DeadlineExceeded or FinishReason.Failed);
        }

        foreach (FakeLink node in _nodes)
            node.Link.Dispose();
    }

    /// <summary>A node that gives each of its sequences one token per step.</summary>
    private sealed class FakeLink(NodeId id)
    {
        private readonly SortedDictionary<long, (StartSequence Start, int Sent)> _running = [];

        public AttentionLink Link { get; } = new(id, capacity: 2);

        public void Step(RequestRouter router)
        {
            foreach (WorkOrder order in RequestRouterTests.Orders(Link))
            {
                if (order.Start is { } start)
                    _running.Add(start.SequenceId, (start, start.ResumedTokens.Count));
                else
                    _running.Remove(order.Cancel.SequenceId);
            }

            var progress = new Progress();
            foreach ((long sequence, (StartSequence start, int sent)) in _running.ToArray())
            {
                var part = new SequenceProgress { SequenceId = sequence, Tokens = { new Token { Id = RequestRouterTests.TokenAt(sequence, sent) } } };
                _running[sequence] = (start, sent + 1);
                if (sent + 1 == start.Limits.MaxTokens)
                {
                    part.End = new Proto.SequenceEnd { Reason = Proto.FinishReason.Length };
                    _running.Remove(sequence);
                }

                progress.Sequences.Add(part);
            }

            router.Report(Link, progress);
        }
    }
}
