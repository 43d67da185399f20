using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Proto;
using MegaInfer.Server.Cluster;
using MegaInfer.Server.Health;
using MegaInfer.Server.Streaming;
using FinishReason = MegaInfer.Engine.Requests.FinishReason;
using SequenceEnd = MegaInfer.Server.Streaming.SequenceEnd;

namespace MegaInfer.Server.Routing;

/// <summary>
/// Admits sequences or refuses them with a reason, gives each to one attention node, hands its tokens to the client, and moves it to another node when
/// its own is lost. Every admitted sequence ends exactly once. Any thread may call; one lock guards everything, and nothing waits inside it. Sequences are
/// given out first come, first served; those that lost their node go first.
/// </summary>
internal sealed class RequestRouter : IDisposable
{
    private readonly Lock _gate = new();
    private readonly RouterOptions _options;
    private readonly TimeProvider _time;
    private readonly ServerMetrics _metrics;
    private readonly ILogger _logger;
    private readonly ITimer _noNodeTimer;
    private readonly PrefixAffinity _affinity = new();
    private readonly RetryEstimate _retry = new();
    private readonly List<AttentionLink> _links = [];
    private readonly LinkedList<RoutedSequence> _waiting = new();
    private long _lastId;
    private int _active;
    private bool _isDraining;
    private TaskCompletionSource? _idle;

    public RequestRouter(RouterOptions options, TimeProvider time, ServerMetrics metrics, ILogger logger)
    {
        _options = options;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _noNodeTimer = time.CreateTimer(_ => FailWaiting(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Called after an attention node's work stream opened or closed; must not block.</summary>
    public event Action? LinksChanged;

    /// <summary>Attention nodes that take work.</summary>
    public int LinkCount
    {
        get
        {
            lock (_gate)
                return _links.Count;
        }
    }

    /// <summary>Sequences that nodes can have in progress together; of one node, where there is none at the moment.</summary>
    public int RunningCapacity
    {
        get
        {
            lock (_gate)
                return CapacityOfLinks();
        }
    }

    /// <summary>Sequences that have been admitted and have not ended.</summary>
    public int ActiveCount
    {
        get
        {
            lock (_gate)
                return _active;
        }
    }

    /// <summary>Sequences that can be admitted at once into an idle server.</summary>
    public int MaxAdmitted => RunningCapacity + _options.MaxQueue;

    /// <summary>Identities for requests that are about to be submitted.</summary>
    public SequenceId NextId() => new(Interlocked.Increment(ref _lastId));

    /// <summary>Admits all of these sequences or none. Dispose every stream.</summary>
    /// <exception cref="AdmissionException">The queue is full, or the server stops.</exception>
    public IReadOnlyList<TokenStream> Submit(IReadOnlyList<GenerationRequest> requests)
    {
        lock (_gate)
        {
            if (_isDraining)
                throw Refuse(requests.Count, new AdmissionException("The server is stopping and takes no new requests; try again in a moment.", _retry.Wait, isStopping: true));
            int limit = CapacityOfLinks() + _options.MaxQueue;
            if (_active + requests.Count > limit)
                throw Refuse(requests.Count, new AdmissionException($"The queue is full: {_active} of {limit} sequences are in progress or waiting; try again later.", _retry.Wait, isStopping: false));

            var streams = new List<TokenStream>(requests.Count);
            foreach (GenerationRequest request in requests)
                streams.Add(Admit(request).Stream);
            if (_links.Count == 0)
                _noNodeTimer.Change(_options.NoNodeTimeout, Timeout.InfiniteTimeSpan);
            Pump();
            return streams;
        }
    }

    /// <summary>An attention node takes work from now on.</summary>
    public void Attach(AttentionLink link)
    {
        lock (_gate)
        {
            _links.Add(link);
            _noNodeTimer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            Pump();
        }

        LinksChanged?.Invoke();
    }

    /// <summary>An attention node is gone: what it worked on is continued elsewhere.</summary>
    public void Detach(AttentionLink link)
    {
        lock (_gate)
        {
            if (!_links.Remove(link))
                return;
            RoutedSequence[] orphans = [.. link.Running.Values.OrderByDescending(sequence => sequence.Id.Value)];
            link.Running.Clear();
            foreach (RoutedSequence sequence in orphans)
                Requeue(sequence);
            if (orphans.Length > 0)
                Log.SequencesResumed(_logger, orphans.Length, link.NodeId.Value);
            if (_links.Count == 0)
                _noNodeTimer.Change(_options.NoNodeTimeout, Timeout.InfiniteTimeSpan);
            Pump();
        }

        LinksChanged?.Invoke();
    }

    /// <summary>What one step of an attention node produced.</summary>
    public void Report(AttentionLink link, Progress progress)
    {
        lock (_gate)
        {
            foreach (SequenceProgress part in progress.Sequences)
            {
                // One that is not there was cancelled, and the node will hear of it.
                if (!link.Running.TryGetValue(part.SequenceId, out RoutedSequence? sequence))
                    continue;
                if (ProgressCheck.Fault(part, sequence, _options.VocabularySize) is { } fault)
                {
                    link.Close($"it sent {fault}");
                    return;
                }

                Advance(sequence, part);
            }
        }
    }

    /// <summary>Takes nothing new and waits until everything has ended; what has not by <paramref name="bound"/> is cancelled.</summary>
    public async Task DrainAsync(TimeSpan bound, CancellationToken hurry)
    {
        Task idle;
        lock (_gate)
        {
            _isDraining = true;
            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_active == 0)
                _idle.TrySetResult();
            idle = _idle.Task;
        }

        await Task.WhenAny(idle, Task.Delay(bound, _time, hurry));
        lock (_gate)
        {
            foreach (RoutedSequence sequence in _links.SelectMany(link => link.Running.Values).Concat(_waiting).ToArray())
                Finish(sequence, new SequenceEnd(FinishReason.Failed, "The server stopped before the sequence was finished.") { IsUnavailable = true });
        }
    }

    public bool IsDraining
    {
        get
        {
            lock (_gate)
                return _isDraining;
        }
    }

    public void Dispose() => _noNodeTimer.Dispose();

    private int CapacityOfLinks() => _links.Count == 0 ? _options.MaxSequences : _links.Sum(link => link.Capacity);

    private AdmissionException Refuse(int sequences, AdmissionException refusal)
    {
        _metrics.Refused.Inc(sequences);
        return refusal;
    }

    private RoutedSequence Admit(GenerationRequest request)
    {
        RoutedSequence? admitted = null;
        var stream = new TokenStream(request, _options.StreamCapacity, reason => FinishFromClient(admitted!, reason));
        RoutedSequence sequence = admitted = new RoutedSequence(request, stream, _time.GetTimestamp());
        if (request.Deadline is { } deadline)
            sequence.DeadlineTimer = _time.CreateTimer(_ => FinishFromClient(sequence, FinishReason.DeadlineExceeded), null, deadline, Timeout.InfiniteTimeSpan);
        _waiting.AddLast(sequence);
        _active++;
        _metrics.Waiting.Set(_waiting.Count);
        _metrics.PromptTokens.Inc(request.PromptTokens.Length);
        return sequence;
    }

    private void Pump()
    {
        while (_waiting.First is { Value: var sequence })
        {
            ReadOnlySpan<int> prompt = sequence.Request.PromptTokens.Span;
            if (AttentionNodePolicy.Choose(_links, _affinity.Find(prompt), prompt.Length) is not { } link)
                break;
            _waiting.RemoveFirst();
            _affinity.Remember(prompt, link.NodeId);
            Start(sequence, link);
        }

        _metrics.Waiting.Set(_waiting.Count);
        _metrics.Running.Set(_active - _waiting.Count);
    }

    private void Start(RoutedSequence sequence, AttentionLink link)
    {
        sequence.Link = link;
        sequence.Load = sequence.EstimateLoad();
        link.Running.Add(sequence.Id.Value, sequence);
        link.OutstandingTokens += sequence.Load;
        TimeSpan? left = sequence.Request.Deadline - _time.GetElapsedTime(sequence.AdmittedAt);
        link.Post(ClusterMessages.Start(sequence.Request with { ResumedTokens = sequence.Emitted.ToArray(), Deadline = left }));
    }

    private void Requeue(RoutedSequence sequence)
    {
        sequence.Link = null;
        sequence.LogitsToSkip = sequence.LogitsBytes;
        _waiting.AddFirst(sequence);
        _metrics.Resumed.Inc();
        if (sequence.ImpliedEnd(_options.EosTokenIds) is { } reason)
            End(sequence, new SequenceEnd(reason));
    }

    private void Advance(RoutedSequence sequence, SequenceProgress part)
    {
        bool isDelivered = part.PromptLogits.IsEmpty || OfferLogits(sequence, part.PromptLogits.Memory);
        foreach (Token token in part.Tokens)
        {
            if (sequence.Emitted.Count == 0)
            {
                sequence.FirstTokenAt = _time.GetTimestamp();
                _metrics.FirstToken.Observe(_time.GetElapsedTime(sequence.AdmittedAt, sequence.FirstTokenAt).TotalSeconds);
            }

            sequence.Emitted.Add(token.Id);
            isDelivered &= sequence.Stream.Offer(new StreamItem(ClusterMessages.Token(token), default));
        }

        _metrics.GeneratedTokens.Inc(part.Tokens.Count);
        if (!isDelivered)
            Finish(sequence, new SequenceEnd(FinishReason.Failed, $"The client left {_options.StreamCapacity} tokens unread; read the stream as it comes, or ask for fewer tokens."));
        else if (part.End is { } end)
            End(sequence, new SequenceEnd(ClusterMessages.Reason(end.Reason), end.Message, end.CachedTokens));
    }

    private static bool OfferLogits(RoutedSequence sequence, ReadOnlyMemory<byte> logits)
    {
        int skipped = (int)Math.Min(sequence.LogitsToSkip, logits.Length);
        sequence.LogitsToSkip -= skipped;
        sequence.LogitsBytes += logits.Length - skipped;
        return skipped == logits.Length || sequence.Stream.Offer(new StreamItem(default, logits[skipped..]));
    }

    private void FinishFromClient(RoutedSequence sequence, FinishReason reason)
    {
        lock (_gate)
            Finish(sequence, new SequenceEnd(reason));
    }

    /// <summary>Ends a sequence from the server's side; its node, if it has one, frees it at its next step.</summary>
    private void Finish(RoutedSequence sequence, SequenceEnd end)
    {
        if (sequence.HasEnded)
            return;
        sequence.Link?.Post(ClusterMessages.Cancel(sequence.Id));
        End(sequence, end);
    }

    private void End(RoutedSequence sequence, SequenceEnd end)
    {
        sequence.HasEnded = true;
        sequence.DeadlineTimer?.Dispose();
        if (sequence.Link is { } link)
        {
            link.Running.Remove(sequence.Id.Value);
            link.OutstandingTokens -= sequence.Load;
        }
        else
        {
            _waiting.Remove(sequence);
        }

        _active--;
        TimeSpan duration = _time.GetElapsedTime(sequence.AdmittedAt);
        _retry.Observe(duration);
        _metrics.Duration.Observe(duration.TotalSeconds);
        if (sequence.Emitted.Count > 1)
            _metrics.TokenInterval.Observe(_time.GetElapsedTime(sequence.FirstTokenAt).TotalSeconds / (sequence.Emitted.Count - 1));
        _metrics.Finished(end.Reason);
        sequence.Stream.Complete(end);
        if (_active == 0)
            _idle?.TrySetResult();
        Pump();
    }

    private void FailWaiting()
    {
        lock (_gate)
        {
            if (_links.Count > 0)
                return;
            foreach (RoutedSequence sequence in _waiting.ToArray())
                Finish(sequence, new SequenceEnd(FinishReason.Failed, $"No attention node was there for {_options.NoNodeTimeout.TotalSeconds:0} s; look at the server's log for why.") { IsUnavailable = true });
        }
    }
}
