using MegaInfer.Engine;
using MegaInfer.Engine.Requests;

namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>
/// What other threads ask of the node loop, in order and bounded: new sequences, cancellations, and signals that something else is to be looked at. The loop
/// empties it between steps and sleeps on it when there is nothing to do.
/// </summary>
internal sealed class Inbox(int capacity)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly object _lock = new();
    private readonly Queue<GenerationRequest> _requests = new();
    private readonly HashSet<SequenceId> _cancelled = [];
    private bool _isSignalled;
    private bool _isClosed;

    /// <summary>False when it is full or closed: the request was not taken.</summary>
    public bool TryAdd(GenerationRequest request)
    {
        lock (_lock)
        {
            if (_isClosed || _requests.Count >= capacity)
                return false;
            _requests.Enqueue(request);
            Pulse();
            return true;
        }
    }

    /// <summary>A cancellation follows its request and takes no room of its own beyond one entry for each sequence.</summary>
    public void Cancel(SequenceId id)
    {
        lock (_lock)
        {
            _cancelled.Add(id);
            Pulse();
        }
    }

    /// <summary>Ends the loop's current or next wait.</summary>
    public void Signal()
    {
        lock (_lock)
            Pulse();
    }

    /// <summary>Hands everything to the scheduler.</summary>
    public void Empty(Scheduler scheduler)
    {
        lock (_lock)
        {
            _isSignalled = false;
            while (_requests.TryDequeue(out GenerationRequest? request))
                scheduler.Add(request);
            foreach (SequenceId id in _cancelled)
                scheduler.Cancel(id);
            _cancelled.Clear();
        }
    }

    /// <summary>Takes nothing more. False, and still open, when a request is in it.</summary>
    public bool TryClose()
    {
        lock (_lock)
        {
            _isClosed = _requests.Count == 0;
            return _isClosed;
        }
    }

    /// <summary>Sleeps until something comes or the time has passed; null: without limit.</summary>
    public void Wait(TimeSpan? limit)
    {
        lock (_lock)
        {
            if (_isSignalled)
                return;
            if (limit is { } time)
                Monitor.Wait(_lock, time < LongestWait ? time : LongestWait);
            else
                Monitor.Wait(_lock);
        }
    }

    private void Pulse()
    {
        _isSignalled = true;
        Monitor.Pulse(_lock);
    }
}
