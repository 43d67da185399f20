using MegaInfer.Engine;
using MegaInfer.Engine.Moe;
using MegaInfer.M2N;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// Which expert nodes this node is connected to, and the placement over them. Follows snapshots between steps; a member that cannot be reached is tried again,
/// ever less often. Belongs to the node loop, except <see cref="Offer"/>.
/// </summary>
public sealed class ExpertPeers
{
    /// <summary>Ranks are below this, the most peers an endpoint has.</summary>
    public const int MaxRanks = 256;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly M2NEndpoint _endpoint;
    private readonly int _expertCount;
    private readonly TimeProvider _time;
    private readonly Dictionary<int, Attempt> _unreached = [];
    private readonly Dictionary<int, NodeId> _connected = [];
    private ClusterSnapshot _current = new(-1, []);
    private volatile ClusterSnapshot? _offered;
    private bool _hasLost;

    public ExpertPeers(M2NEndpoint endpoint, int expertCount, TimeProvider time)
    {
        _endpoint = endpoint;
        _expertCount = expertCount;
        _time = time;
        Placement = Place();
    }

    /// <summary>The experts over the connected members. A new object whenever it changes.</summary>
    public ExpertPlacement Placement { get; private set; }

    /// <summary>Every expert can be reached.</summary>
    public bool IsReady { get; private set; }

    public int ConnectedCount => _connected.Count;

    /// <summary>Epoch of the snapshot in use; -1 before the first.</summary>
    public long Epoch => _current.Epoch;

    /// <summary>Hands over the latest snapshot and ends the owner's current wait, so that it is seen. Any thread; the highest epoch wins.</summary>
    public void Offer(ClusterSnapshot snapshot)
    {
        ClusterSnapshot? seen = _offered;
        while (seen is null || snapshot.Epoch > seen.Epoch)
        {
            ClusterSnapshot? found = Interlocked.CompareExchange(ref _offered, snapshot, seen);
            if (found == seen)
                break;
            seen = found;
        }

        _endpoint.Wake();
    }

    /// <summary>A member in use is missing from a snapshot that was offered and is not yet followed.</summary>
    public bool IsDropping
    {
        get
        {
            if (_offered is not { } next || next.Epoch <= _current.Epoch)
                return false;
            foreach ((int rank, NodeId node) in _connected)
            {
                if (!Contains(next, rank, node))
                    return true;
            }

            return false;
        }
    }

    /// <summary>A dispatch or combine met a dead peer: the next <see cref="Follow"/> looks for it.</summary>
    public void NoticeLoss() => _hasLost = true;

    /// <summary>
    /// Between steps: follows the offered snapshot, drops the dead, connects to whoever is not connected and due. Cheap when nothing changed.
    /// </summary>
    public void Follow()
    {
        bool changed = false;
        if (_offered is { } next && next.Epoch > _current.Epoch)
        {
            Take(next);
            changed = true;
        }

        if (_hasLost)
            changed |= DropTheDead();
        if (_unreached.Count > 0)
            changed |= ConnectWhoIsDue();
        if (!changed)
            return;
        Placement = Place();
        IsReady = Placement.IsComplete;
    }

    // Apart from Follow, so that its closures are not made by every step.
    private void Take(ClusterSnapshot snapshot)
    {
        _current = snapshot;
        foreach ((int rank, _) in _connected.Where(pair => !Contains(snapshot, pair.Key, pair.Value)).ToArray())
            Drop(rank);
        _unreached.Clear();
        foreach (ExpertMember member in snapshot.Experts.Where(member => !_connected.ContainsKey(member.Rank.Value)))
            _unreached[member.Rank.Value] = new Attempt(member, _time.GetTimestamp(), FirstPause);
    }

    /// <summary>How long until another connection is tried; null when there is none to try.</summary>
    public TimeSpan? UntilNextAttempt()
    {
        if (_unreached.Count == 0)
            return null;
        TimeSpan left = _time.GetElapsedTime(_time.GetTimestamp(), _unreached.Values.Min(attempt => attempt.DueAt));
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private ExpertPlacement Place() => _current.PlacementOver(_expertCount, member => _connected.ContainsKey(member.Rank.Value));

    private static bool Contains(ClusterSnapshot snapshot, int rank, NodeId node) =>
        snapshot.Experts.Any(member => member.Rank.Value == rank && member.Node == node);

    private bool Drop(int rank)
    {
        _endpoint.Disconnect(new Rank(rank));
        return _connected.Remove(rank);
    }

    private bool DropTheDead()
    {
        _hasLost = false;
        bool changed = false;
        foreach (int rank in _connected.Keys.Where(rank => _endpoint.PeerState(new Rank(rank)) != M2NStatus.Ok).ToArray())
        {
            changed |= Drop(rank);
            // Still a member: perhaps only the pair is gone.
            if (_current.Experts.FirstOrDefault(member => member.Rank.Value == rank) is { } member)
                _unreached[rank] = new Attempt(member, _time.GetTimestamp(), FirstPause);
        }

        return changed;
    }

    private bool ConnectWhoIsDue()
    {
        bool changed = false;
        long now = _time.GetTimestamp();
        foreach ((int rank, Attempt attempt) in _unreached.Where(pair => pair.Value.DueAt <= now).ToArray())
        {
            if (TryConnect(attempt.Member))
            {
                _unreached.Remove(rank);
                _connected[rank] = attempt.Member.Node;
                changed = true;
            }
            else
            {
                TimeSpan pause = attempt.Pause * 2 < LongestPause ? attempt.Pause * 2 : LongestPause;
                _unreached[rank] = new Attempt(attempt.Member, _time.GetTimestamp() + (long)(pause.TotalSeconds * _time.TimestampFrequency), pause);
            }
        }

        return changed;
    }

    private bool TryConnect(ExpertMember member)
    {
        if (member.Rank.Value is < 0 or >= MaxRanks)
            return false;
        try
        {
            _endpoint.Connect(member.Rank, member.Address.Span, ConnectTimeout);
            return true;
        }
        catch (M2NException)
        {
            // Gone, or busy beyond the timeout: the next snapshot or the next attempt decides.
            return false;
        }
    }

    private readonly record struct Attempt(ExpertMember Member, long DueAt, TimeSpan Pause);
}
