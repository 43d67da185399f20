using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Sampling;
using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Requests;
using MegaInfer.Engine.Sampling;

namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>
/// Chooses the next step of one attention node and carries out what it decided: admission in order of arrival, decode rows before prefill chunks, preemption of the
/// youngest when blocks run out. One owner: the node loop; a sequence changes between steps only.
/// <para>
/// Every sequence that was added ends exactly once: in <see cref="Ended"/> when a step did not end it, else in the step's own slices.
/// A step that failed is simply not completed: nothing was sampled, and the next step holds the same rows.
/// </para>
/// </summary>
public sealed class Scheduler
{
    private readonly ModelSpec _spec;
    private readonly SchedulerLimits _limits;
    private readonly KvSpace _kv;
    private readonly AdmissionPolicy _admission;
    private readonly TimeProvider _time;
    private readonly WeightVersion _version;

    // Both in order of arrival, so that the end of the first is the youngest.
    private readonly List<Sequence> _running = [];
    private readonly LinkedList<Sequence> _waiting = [];
    private readonly Dictionary<SequenceId, Sequence> _byId = [];
    private readonly Step _step = new();
    private readonly List<Sequence> _ended = [];
    private readonly StepPace _pace = new();
    private long _arrivals;
    private int _deadlines;
    private int _stepRows;

    public Scheduler(ModelSpec spec, SchedulerLimits limits, KvSpace kv, WeightVersion version, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.MaxStepRows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.MaxChunkRows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.MaxSequences, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.MaxLogitRows, 1);
        _spec = spec;
        _limits = limits;
        _kv = kv;
        _admission = new AdmissionPolicy(kv, version);
        _version = version;
        _time = time;
    }

    public int RunningCount => _running.Count;

    public int WaitingCount => _waiting.Count;

    public bool HasWork => _byId.Count > 0;

    /// <summary>Sequences that lost their blocks to older ones, since start.</summary>
    public long Preemptions { get; private set; }

    /// <summary>Sequences that ended outside a step, in order. The caller reports them and calls <see cref="ClearEnded"/>.</summary>
    public IReadOnlyList<Sequence> Ended => _ended;

    public void ClearEnded() => _ended.Clear();

    /// <summary>Queues a sequence, or refuses it, which ends it at once with a reason.</summary>
    public void Add(GenerationRequest request)
    {
        long? deadline = request.Deadline is { } left ? _time.GetTimestamp() + (long)(left.TotalSeconds * _time.TimestampFrequency) : null;
        var sequence = new Sequence(request, new SamplingState(request, _spec), _arrivals++, deadline);
        if (RefusalOf(sequence) is { } refusal)
        {
            EndOutsideStep(sequence, FinishReason.Failed, refusal);
            return;
        }

        if (!request.ResumedTokens.IsEmpty && EndAfterToken(sequence) is { } reason)
        {
            EndOutsideStep(sequence, reason, null);
            return;
        }

        _byId.Add(sequence.Id, sequence);
        _waiting.AddLast(sequence);
        _deadlines += deadline is null ? 0 : 1;
    }

    private string? RefusalOf(Sequence sequence)
    {
        if (_byId.ContainsKey(sequence.Id))
            return $"{sequence.Id} is already on this node.";
        return sequence.Request.Validate(_spec)?.Message
            ?? SchedulingRules.RefusalOf(sequence.TokenCount, _kv.Capacity * BlockPool.BlockTokens, _waiting.Count, _limits.MaxWaiting);
    }

    /// <summary>The sequence leaves before the next step. Unknown ids are ignored: it may have ended meanwhile.</summary>
    public void Cancel(SequenceId id)
    {
        if (_byId.TryGetValue(id, out Sequence? sequence))
            EndOutsideStep(sequence, FinishReason.Cancelled, null);
    }

    /// <summary>Ends everything that waits or runs.</summary>
    public void EndAll(FinishReason reason, string? message)
    {
        foreach (Sequence sequence in _byId.Values.OrderBy(sequence => sequence.Arrival).ToArray())
            EndOutsideStep(sequence, reason, message);
    }

    /// <summary>Time until the next deadline of a sequence; null when there is none.</summary>
    public TimeSpan? UntilNextDeadline()
    {
        long? next = _deadlines == 0 ? null : _byId.Values.Min(sequence => sequence.Deadline);
        return next is { } at ? TimeSpan.FromSeconds(Math.Max(0, at - _time.GetTimestamp()) / (double)_time.TimestampFrequency) : null;
    }

    /// <summary>Ends sequences whose deadline has passed. <see cref="NextStep"/> begins with it.</summary>
    public void EndExpired()
    {
        if (_deadlines > 0)
            EndExpired(_time.GetTimestamp());
    }

    // Apart, so that steps without deadlines make no closure.
    private void EndExpired(long now)
    {
        foreach (Sequence sequence in _byId.Values.Where(sequence => sequence.Deadline <= now).OrderBy(sequence => sequence.Arrival).ToArray())
            EndOutsideStep(sequence, FinishReason.DeadlineExceeded, null);
    }

    /// <summary>
    /// Plans the next step; empty when nothing can run. Blocks for its rows are taken. The same object is returned every time.
    /// </summary>
    public Step NextStep()
    {
        EndExpired();
        _step.Clear();
        long preemptions = Preemptions;
        _stepRows = _limits.MaxStepRows;
        AddDecodeRows();
        _stepRows = SchedulingRules.StepRows(_step.DecodeRowCount, _limits, _pace);
        AddChunks();
        // Who was just preempted would only be admitted to be preempted again.
        if (Preemptions == preemptions)
            Admit();
        return _step;
    }

    /// <summary>Tells what a step of so many rows took, from planning to sampling.</summary>
    public void RecordTime(int rows, TimeSpan time) => _pace.Record(rows, time);

    /// <summary>
    /// Carries out what a step that has run did: its rows are computed, full blocks are published, sampled tokens are appended, and sequences at their end give
    /// their blocks back (their <see cref="Sequence.End"/> is then set).
    /// </summary>
    /// <param name="samples">One entry for each slice.</param>
    public void Complete(Step step, ReadOnlySpan<SliceSample> samples)
    {
        for (int i = 0; i < step.Slices.Length; i++)
        {
            StepSlice slice = step.Slices[i];
            Sequence sequence = slice.Sequence;
            int before = sequence.ComputedCount;
            sequence.ComputedCount += slice.RowCount;
            sequence.LogitsReturned += slice.PromptLogitCount;
            _kv.Publish(_version, sequence.Tokens, before, sequence.ComputedCount, sequence.BlockTable);
            if (slice.SamplesToken && samples[i].Failure is { } failure)
            {
                Finish(sequence, FinishReason.Failed, failure);
                continue;
            }

            if (slice.SamplesToken)
                sequence.Append(samples[i].Token.Id);
            if (EndAfter(slice) is { } reason)
                Finish(sequence, reason, null);
        }

        _running.RemoveAll(static sequence => sequence.Status == SequenceStatus.Finished);
    }

    private FinishReason? EndAfter(StepSlice slice)
    {
        Sequence sequence = slice.Sequence;
        if (slice.SamplesToken)
            return EndAfterToken(sequence);
        return sequence.OutstandingRows == 0 ? FinishReason.Length : null;
    }

    private FinishReason? EndAfterToken(Sequence sequence) => SchedulingRules.EndOf(
        sequence.Sampling.IsStop(sequence.Tokens[^1]), sequence.GeneratedCount, sequence.Request.MaxTokens, sequence.TokenCount, _spec.ContextLength);

    private void AddDecodeRows()
    {
        for (int i = 0; i < _running.Count && _step.RowCount < _stepRows; i++)
        {
            Sequence sequence = _running[i];
            if (sequence.OutstandingRows == 1 && TakeBlockFor(sequence))
                _step.Add(sequence, 1);
        }
    }

    /// <summary>Makes room for the sequence's next row, at the cost of the youngest if need be. False: it was itself the youngest.</summary>
    private bool TakeBlockFor(Sequence sequence)
    {
        while (!_kv.TryGrow(sequence.BlockTable, sequence.TokenCount))
        {
            Sequence youngest = _running[^1];
            Preempt(youngest);
            if (youngest == sequence)
                return false;
        }

        return true;
    }

    private void Preempt(Sequence sequence)
    {
        _running.Remove(sequence);
        if (BlockPool.BlocksFor(sequence.TokenCount) > _kv.Capacity)
        {
            // Not even the whole cache would do: it could never be admitted again.
            EndOutsideStep(sequence, FinishReason.Failed, $"The sequence outgrew this node's KV cache of {_kv.Capacity * BlockPool.BlockTokens} tokens.");
            return;
        }

        Preemptions++;
        _kv.Release(sequence.BlockTable);
        sequence.ComputedCount = 0;
        sequence.Status = SequenceStatus.Waiting;
        LinkedListNode<Sequence>? younger = _waiting.First;
        while (younger?.Value.Arrival < sequence.Arrival)
            younger = younger.Next;
        if (younger is null)
            _waiting.AddLast(sequence);
        else
            _waiting.AddBefore(younger, sequence);
    }

    /// <summary>Chunks of sequences that run already; their blocks were taken when they were admitted.</summary>
    private void AddChunks()
    {
        for (int i = 0; i < _running.Count && _step.RowCount < _stepRows; i++)
        {
            if (_running[i].OutstandingRows > 1)
                AddChunk(_running[i]);
        }
    }

    private void AddChunk(Sequence sequence)
    {
        int limit = sequence.LogitsReturned < sequence.LogitsDue ? Math.Min(_limits.MaxChunkRows, _limits.MaxLogitRows) : _limits.MaxChunkRows;
        _step.Add(sequence, SchedulingRules.ChunkRows(sequence.OutstandingRows, limit, _stepRows - _step.RowCount));
    }

    private void Admit()
    {
        LinkedListNode<Sequence>? next = _waiting.First;
        while (next is not null && _step.RowCount < _stepRows && _running.Count < _limits.MaxSequences)
        {
            Sequence sequence = next.Value;
            Admission admission = _admission.Try(sequence, _running);
            // Whoever does not fit holds back those behind it, or a long prompt would never find room.
            if (admission == Admission.NoRoom)
                return;
            LinkedListNode<Sequence> current = next;
            next = next.Next;
            if (admission == Admission.Deferred)
                continue;
            _waiting.Remove(current);
            _running.Insert(_running.FindLastIndex(running => running.Arrival < sequence.Arrival) + 1, sequence);
            AddChunk(sequence);
        }
    }

    private void EndOutsideStep(Sequence sequence, FinishReason reason, string? message)
    {
        _running.Remove(sequence);
        _waiting.Remove(sequence);
        Finish(sequence, reason, message);
        _ended.Add(sequence);
    }

    /// <summary>The only place where a sequence ends.</summary>
    private void Finish(Sequence sequence, FinishReason reason, string? message)
    {
        if (sequence.End is not null)
            throw new InvalidOperationException($"{sequence.Id} ended twice.");
        _kv.Release(sequence.BlockTable);
        sequence.Status = SequenceStatus.Finished;
        sequence.End = new SequenceEnd(reason, message, sequence.CachedTokens);
        if (_byId.TryGetValue(sequence.Id, out Sequence? known) && known == sequence)
        {
            _byId.Remove(sequence.Id);
            _deadlines -= sequence.Deadline is null ? 0 : 1;
        }
    }
}
