using System.Diagnostics;
using MegaInfer.AttentionNodes.Layers;
using MegaInfer.Engine;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Moe;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;
using MegaInfer.M2N;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// The experts over M2N: rows are produced in the peers' slots, and result rows are read where the peers wrote them. Belongs to the node loop. The per-layer
/// calls allocate nothing and wait nowhere but in <see cref="Combine"/>.
/// </summary>
public sealed class ExpertLink : IExpertLink
{
    // One wait at the endpoint; longer waits ask again, so that a lost wake-up costs no more than this.
    private const uint WaitUs = 100_000;

    // How long a leaving node may still return what it was sent, once a snapshot without it has come.
    private static readonly TimeSpan LeavingGrace = TimeSpan.FromMilliseconds(500);

    // The endpoint ends every piece at its deadline; this is for an endpoint that does not.
    private static readonly TimeSpan DeadlineSlack = TimeSpan.FromSeconds(2);

    private readonly M2NEndpoint _endpoint;
    private readonly KernelContext _context;
    private readonly Combine _combine;
    private readonly StepMemory _memory;
    private readonly ExpertLinkOptions _options;
    private readonly StageClock _clock;
    private readonly ExpertPlan _plan;
    private readonly PairPlace[] _places; // [rows, top-k] of the step
    private readonly SlotView[] _views = new SlotView[ExpertPeers.MaxRanks];
    private readonly bool[] _isOpen = new bool[ExpertPeers.MaxRanks];
    private readonly nint[] _resultRows = new nint[ExpertPeers.MaxRanks];
    private readonly ulong _deadlineUs;
    private ExpertPlacement? _placement;

    public ExpertLink(M2NEndpoint endpoint, KernelContext context, StepMemory memory, ExpertLinkOptions options, StageClock clock, TimeProvider time)
    {
        _endpoint = endpoint;
        _context = context;
        _combine = new Combine(context, memory);
        _memory = memory;
        _options = options;
        _clock = clock;
        _plan = new ExpertPlan(options.ExpertCount, options.TopK, ExpertPeers.MaxRanks);
        _places = new PairPlace[memory.MaxRows * options.TopK];
        _deadlineUs = (ulong)Math.Max(1, options.DispatchDeadline.TotalMicroseconds);
        Peers = new ExpertPeers(endpoint, options.ExpertCount, time);
    }

    public ExpertPeers Peers { get; }

    public void Offer(ClusterSnapshot snapshot) => Peers.Offer(snapshot);

    public TimeSpan? UntilNextAttempt() => Peers.UntilNextAttempt();

    public bool Prepare()
    {
        Peers.Follow();
        if (Peers.IsReady && _placement != Peers.Placement)
        {
            _placement = Peers.Placement;
            _plan.Use(_placement);
        }

        return Peers.IsReady;
    }

    public void Dispatch(MicroBatch microBatch, int layer)
    {
        _context.Wait(); // the routing is read here
        ReadOnlySpan<int> experts = Experts(microBatch);
        _plan.Count(experts, microBatch.Slot + layer + _options.Rank.Value);
        microBatch.DispatchStatus = OpenPieces(microBatch.Slot);
        Span<int> rowIndex = _memory.RowIndex.HostSpan<int>(_places.Length);
        _plan.Place(experts, _views, _isOpen, rowIndex, Places(microBatch));
        foreach (int rank in _plan.Ranks)
        {
            if (_isOpen[rank])
                ProduceRows(microBatch, rank);
        }

        _context.Wait(); // what is published has been written
        if (_memory.Stage is { } stage)
            SendStaged(stage, microBatch);

        var message = new DispatchMessage(layer, _options.Version, (ulong)_placement!.Epoch, _deadlineUs);
        M2NStatus status = _endpoint.Dispatch(microBatch.Slot, message, out DispatchTicket ticket);
        microBatch.Ticket = ticket;
        microBatch.DispatchedAt = Stopwatch.GetTimestamp();
        if (status != M2NStatus.Ok)
            microBatch.DispatchStatus = status;
    }

    public M2NStatus Combine(MicroBatch microBatch)
    {
        M2NStatus status = microBatch.DispatchStatus;
        int count = 0;
        if (status == M2NStatus.Ok)
            status = Wait(microBatch, out count);
        if (status == M2NStatus.Ok)
            AddResults(microBatch, count);
        else if (status == M2NStatus.PeerLost)
            Peers.NoticeLoss();
        Abandon(microBatch);
        return status;
    }

    public void Abandon(MicroBatch microBatch)
    {
        if (!microBatch.Ticket.IsNone)
            _endpoint.Release(microBatch.Ticket);
        microBatch.Ticket = default;
    }

    private ReadOnlySpan<int> Experts(MicroBatch microBatch) =>
        _memory.RoutingExpertsOf(microBatch).HostSpan<int>(microBatch.RowCount * _options.TopK);

    private Span<PairPlace> Places(MicroBatch microBatch) =>
        _places.AsSpan(microBatch.FirstRow * _options.TopK, microBatch.RowCount * _options.TopK);

    /// <summary>Opens a piece for every rank that gets rows; tells the first failure. Pieces that did open are still sent, and then given up.</summary>
    private M2NStatus OpenPieces(int slot)
    {
        M2NStatus first = M2NStatus.Ok;
        foreach (int rank in _plan.Ranks)
        {
            _isOpen[rank] = false;
            if (_plan.Pairs[rank] == 0)
                continue;
            M2NStatus status = _endpoint.OpenSlot(slot, new Rank(rank), _plan.Rows[rank], _plan.Pairs[rank], _plan.Groups[rank], out _views[rank]);
            _isOpen[rank] = status == M2NStatus.Ok;
            if (status == M2NStatus.Ok)
                _plan.WriteGroups(rank, _views[rank].Groups);
            else if (first == M2NStatus.Ok)
                first = status == M2NStatus.Pending ? M2NStatus.Timeout : status;
        }

        return first;
    }

    /// <summary>[rows of the micro-batch, hidden] to the peer's slot: [rows of the piece, hidden].</summary>
    private void ProduceRows(MicroBatch microBatch, int rank) => _context.ScatterRows(new ScatterRowsArgs
    {
        In = _memory.Normed.At(microBatch),
        RowIndex = _memory.RowIndex.Plus((long)_plan.RowStart(rank) * sizeof(int)),
        Out = _memory.Stage?.RowsOf(microBatch, _plan.RowStart(rank)) ?? _views[rank].Rows,
        Rows = _plan.Rows[rank],
        Hidden = _memory.HiddenWidth,
        InStride = _memory.HiddenWidth,
    });

    private void SendStaged(SlotStage stage, MicroBatch microBatch)
    {
        foreach (int rank in _plan.Ranks)
        {
            if (_isOpen[rank])
                stage.Send(microBatch, _plan.RowStart(rank), _plan.Rows[rank], _views[rank].Rows);
        }
    }

    private M2NStatus Wait(MicroBatch microBatch, out int count)
    {
        long began = Stopwatch.GetTimestamp();
        TimeSpan bound = _options.DispatchDeadline + DeadlineSlack;
        M2NStatus status;
        while ((status = _endpoint.Combine(microBatch.Ticket, WaitUs, microBatch.Results, out count)) is M2NStatus.Pending or M2NStatus.Woken)
        {
            TimeSpan waited = Stopwatch.GetElapsedTime(began);
            if (Peers.IsDropping && waited > LeavingGrace)
                return M2NStatus.PeerLost;
            if (Stopwatch.GetElapsedTime(microBatch.DispatchedAt) > bound)
                return M2NStatus.Timeout;
        }

        if (status != M2NStatus.Ok)
            return status;
        long hold = 0, compute = 0;
        foreach (ref readonly ResultView result in microBatch.Results.AsSpan(0, count))
        {
            if (result.Status != M2NStatus.Ok)
                return result.Status;
            hold = Math.Max(hold, result.HoldNs);
            compute = Math.Max(compute, result.ComputeNs);
        }

        _clock.AddRoundTrip(microBatch.DispatchedAt, began, Stopwatch.GetTimestamp(), hold, compute);
        return M2NStatus.Ok;
    }

    /// <summary>hidden += sum over k, ascending in expert id, of weight x result row, and the shared expert's.</summary>
    private void AddResults(MicroBatch microBatch, int count)
    {
        foreach (ref readonly ResultView result in microBatch.Results.AsSpan(0, count))
            _resultRows[result.Peer.Value] = result.Rows.Value;
        Span<PairPlace> places = Places(microBatch);
        Span<nint> resultOfPair = _memory.ResultsOf(microBatch).HostSpan<nint>(places.Length);
        for (int pair = 0; pair < places.Length; pair++)
        {
            nint result = _resultRows[places[pair].Rank] + (nint)((long)places[pair].Position * _options.ResultBytes);
            resultOfPair[pair] = _memory.Stage?.Fetch(microBatch, pair, new DeviceAddress(result)).Value ?? result;
        }

        _combine.AddExperts(microBatch);
    }
}
