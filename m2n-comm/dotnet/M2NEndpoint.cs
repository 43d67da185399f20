using System.Runtime.InteropServices;
using MegaInfer.Engine;
using MegaInfer.M2N.Native;

namespace MegaInfer.M2N;

/// <summary>
/// A node's door to the others: a sender dispatches rows to receivers and combines what they return, a receiver receives and returns. Belongs to one
/// thread at a time, except <see cref="Wake"/>. Set-up calls throw <see cref="M2NException"/>; the calls of the data path return a status, never throw
/// for what a peer did, and never allocate.
/// </summary>
public sealed unsafe class M2NEndpoint : IDisposable
{
    private readonly M2NEndpointHandle _handle;
    private volatile IReadOnlyDictionary<Rank, M2NTransport> _pairs = new Dictionary<Rank, M2NTransport>();

    private M2NEndpoint(M2NEndpointHandle handle, byte[] address, bool hasRowMemory)
    {
        _handle = handle;
        HasRowMemory = hasRowMemory;
        Address = address;
    }

    /// <summary>What senders pass to <see cref="Connect"/> to reach this endpoint; carried over the control plane.</summary>
    public byte[] Address { get; }

    /// <summary>Rows lie in what <see cref="M2NOptions.RowMemory"/> gives, where the host does not reach them.</summary>
    public bool HasRowMemory { get; }

    /// <summary>A sender's receivers, and the transport of each pair; for people to look at. Any thread may read it.</summary>
    public IReadOnlyDictionary<Rank, M2NTransport> Pairs => _pairs;

    /// <summary>What this endpoint has done so far.</summary>
    public M2NCounters Counters
    {
        get
        {
            M2NCounters counters;
            Check(M2NNative.m2n_endpoint_counters(_handle, &counters), "m2n_endpoint_counters");
            return counters;
        }
    }

    /// <summary>Opens an endpoint and allocates all it will ever need apart from its pairs.</summary>
    /// <exception cref="M2NException">An option is out of bounds, memory is short, or the native library is missing or of another version.</exception>
    public static M2NEndpoint Open(M2NOptions options)
    {
        M2NLibrary.Require();
        m2n_config config = m2n_config.Of(options);
        M2NEndpointHandle handle = OpenWith(config, options.RowMemory);
        byte* address = stackalloc byte[M2NNative.AddressBytes];
        uint length;
        M2NStatus status = M2NNative.m2n_endpoint_address(handle, address, M2NNative.AddressBytes, &length);
        if (status != M2NStatus.Ok) handle.Dispose();
        Check(status, "m2n_endpoint_address");
        return new M2NEndpoint(handle, new ReadOnlySpan<byte>(address, (int)length).ToArray(), options.RowMemory is not null);
    }

    /// <summary>Connects to the receiver at <paramref name="address"/>, known here as <paramref name="peer"/> from now on. It accepts inside its <see cref="Receive"/>.</summary>
    /// <exception cref="M2NException">The receiver is gone, refuses (secret, sizes, ABI, room), or does not answer in time.</exception>
    public void Connect(Rank peer, ReadOnlySpan<byte> address, TimeSpan timeout)
    {
        uint waitUs = (uint)Math.Clamp(timeout.TotalMicroseconds, 0, uint.MaxValue);
        fixed (byte* first = address)
        {
            Check(M2NNative.m2n_connect(_handle, (uint)peer.Value, first, (uint)address.Length, waitUs), "m2n_connect");
        }

        ShowPair(peer, PeerTransport(peer));
    }

    /// <summary>Drops the pair; open tickets' pieces for it end with <see cref="M2NStatus.PeerLost"/>. A peer that is not connected is no error.</summary>
    public void Disconnect(Rank peer)
    {
        Check(M2NNative.m2n_disconnect(_handle, (uint)peer.Value), "m2n_disconnect");
        ShowPair(peer, null);
    }

    /// <summary><see cref="M2NStatus.Ok"/> or <see cref="M2NStatus.PeerLost"/>, without waiting.</summary>
    public M2NStatus PeerState(Rank peer) => M2NNative.m2n_peer_state(_handle, (uint)peer.Value);

    /// <summary>The transport that carries the pair; null where there is none.</summary>
    public M2NTransport? PeerTransport(Rank peer)
    {
        M2NTransport transport;
        return M2NNative.m2n_peer_transport(_handle, (uint)peer.Value, &transport) == M2NStatus.Ok ? transport : null;
    }

    /// <summary>
    /// Opens this slot's piece for one peer: [rows][row bytes], [pairs] row indices in group order, [groups] runs of pairs. A slot may have one piece for each of
    /// several peers. <see cref="M2NStatus.Pending"/>: the slot still waits for that peer's late results of an abandoned ticket.
    /// </summary>
    public M2NStatus OpenSlot(int slot, Rank peer, int rows, int pairs, int groups, out SlotView view)
    {
        m2n_slot_view native;
        M2NStatus status = M2NNative.m2n_slot_open(_handle, (uint)slot, (uint)peer.Value, (uint)rows, (uint)pairs, (uint)groups, &native);
        view = status == M2NStatus.Ok ? new SlotView(native, pairs, groups) : default;
        return status;
    }

    /// <summary>Publishes every piece opened in this slot. The ticket ends with <see cref="Release"/>; with no piece open it is complete at once.</summary>
    public M2NStatus Dispatch(int slot, in DispatchMessage message, out DispatchTicket ticket)
    {
        DispatchMessage copy = message;
        ulong value = 0;
        M2NStatus status = M2NNative.m2n_dispatch(_handle, (uint)slot, &copy, &value);
        ticket = new DispatchTicket(value);
        return status;
    }

    /// <summary>
    /// <see cref="M2NStatus.Ok"/>: every piece has ended, look at each status in <paramref name="results"/>[0..count). <see cref="M2NStatus.Pending"/> after
    /// <paramref name="waitUs"/> microseconds. <paramref name="results"/> must have room for one result per piece.
    /// </summary>
    public M2NStatus Combine(DispatchTicket ticket, uint waitUs, Span<ResultView> results, out int count)
    {
        uint ended = 0;
        fixed (ResultView* first = results)
        {
            M2NStatus status = M2NNative.m2n_combine(_handle, ticket.Value, waitUs, first, (uint)results.Length, &ended);
            count = (int)ended;
            return status;
        }
    }

    /// <summary>Frees the slot; legal at any time after dispatch.</summary>
    public M2NStatus Release(DispatchTicket ticket) => M2NNative.m2n_release(_handle, ticket.Value);

    /// <summary>
    /// Waits up to <paramref name="waitUs"/> microseconds for work and gathers a batch as <c>m2n.h</c> says. Also where connecting senders are accepted: call it
    /// often, also with a wait of 0. <see cref="M2NStatus.Pending"/> if nothing came.
    /// </summary>
    public M2NStatus Receive(in GatherWindow window, uint waitUs, out ExpertBatch batch)
    {
        GatherWindow copy = window;
        m2n_batch native;
        M2NStatus status = M2NNative.m2n_receive(_handle, &copy, waitUs, &native);
        batch = status == M2NStatus.Ok ? new ExpertBatch(native) : default;
        return status;
    }

    /// <summary>Publishes the results of every piece of the batch that is not returned yet with one status, and frees the batch.</summary>
    public M2NStatus Return(in ExpertBatch batch, M2NStatus status, ulong computeNs)
    {
        m2n_batch native = batch.Batch;
        return M2NNative.m2n_return(_handle, &native, status, computeNs);
    }

    /// <summary>As <see cref="Return"/> for one piece, where only that one is refused or finished earlier; <see cref="Return"/> then skips it.</summary>
    public M2NStatus ReturnPiece(in ExpertBatch batch, int piece, M2NStatus status, ulong computeNs)
    {
        m2n_batch native = batch.Batch;
        return M2NNative.m2n_return_piece(_handle, &native, (uint)piece, status, computeNs);
    }

    /// <summary>Ends the owner's current or next wait with <see cref="M2NStatus.Woken"/>. Any thread, any time; after Dispose it does nothing.</summary>
    public void Wake()
    {
        try
        {
            M2NNative.m2n_wake(_handle);
        }
        catch (ObjectDisposedException)
        {
            // The owner has already left its last wait.
        }
    }

    /// <summary>Ends open tickets with <see cref="M2NStatus.PeerLost"/>, tells the peers, and frees everything.</summary>
    public void Dispose() => _handle.Dispose();

    private static M2NEndpointHandle OpenWith(m2n_config config, IRowMemory? rows)
    {
        GCHandle provider = rows is null ? default : GCHandle.Alloc(rows);
        m2n_row_memory memory = rows is null ? default : m2n_row_memory.Of(provider);
        config.row_memory = rows is null ? null : &memory;
        nint raw;
        M2NStatus status = M2NNative.m2n_endpoint_open(&config, &raw);
        if (status != M2NStatus.Ok && provider.IsAllocated)
            provider.Free();
        Check(status, "m2n_endpoint_open");
        return new M2NEndpointHandle(raw, provider);
    }

    // A new dictionary each time, so that readers need no lock.
    private void ShowPair(Rank peer, M2NTransport? transport)
    {
        Dictionary<Rank, M2NTransport> pairs = new(_pairs);
        if (transport is { } known)
            pairs[peer] = known;
        else
            pairs.Remove(peer);
        _pairs = pairs;
    }

    private static void Check(M2NStatus status, string call)
    {
        if (status != M2NStatus.Ok) throw new M2NException(status, $"{call}: {M2NLibrary.LastError}");
    }
}
