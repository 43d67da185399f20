using MegaInfer.Engine;
using Xunit;

namespace MegaInfer.M2N.Tests;

public sealed class M2NEndpointTests
{
    [Theory]
    [InlineData(M2NTransport.Loopback)]
    [InlineData(M2NTransport.Shm)]
    [InlineData(M2NTransport.Ucx)]
    [InlineData(M2NTransport.Tcp)]
    [InlineData(M2NTransport.Auto)]
    public void RoundTrip_CarriesEverything(M2NTransport transport)
    {
        Endpoints.SkipUnlessAvailable(transport);
        using M2NEndpoint sender = Endpoints.Open(transport, M2NRole.Sender, rank: 2);
        using M2NEndpoint receiver = Endpoints.Open(transport, M2NRole.Receiver, rank: 1);
        Endpoints.Connect(sender, peer: 1, receiver);
        Assert.Equal(M2NStatus.Ok, sender.PeerState(new Rank(1)));

        Endpoints.Write(sender, slot: 1, peer: 1, first: 7);
        Assert.Equal(M2NStatus.Ok, sender.Dispatch(1, Endpoints.Message(tag: 3), out DispatchTicket ticket));
        Assert.False(ticket.IsNone);
        Assert.Equal(M2NStatus.Pending, sender.Combine(ticket, waitUs: 0, new ResultView[1], out _));

        Assert.Equal(M2NStatus.Ok, receiver.Receive(Endpoints.Window, waitUs: 1_000_000, out ExpertBatch batch));
        Assert.Equal((1, 3, new WeightVersion(3)), (batch.Count, batch.Tag, batch.Version));
        PieceView piece = batch[0];
        Assert.Equal((new Rank(2), 1, 5UL, 2, 3), (piece.Peer, piece.Slot, piece.Epoch, piece.RowCount, piece.PairCount));
        Assert.Equal([0u, 1u, 1u], piece.RowOfPair.ToArray());
        Assert.Equal([new Group(1, 2), new Group(2, 1)], piece.Groups.ToArray());
        Endpoints.Compute(batch, rank: 1);
        Assert.Equal(M2NStatus.Ok, receiver.Return(batch, M2NStatus.Ok, computeNs: 99));

        var results = new ResultView[1];
        Assert.Equal(M2NStatus.Ok, sender.Combine(ticket, waitUs: 1_000_000, results, out int count));
        Assert.Equal(1, count);
        Assert.Equal((M2NStatus.Ok, new Rank(1), 99L), (results[0].Status, results[0].Peer, results[0].ComputeNs));
        Assert.Equal(Endpoints.Expected(first: 7, rank: 1), Endpoints.ResultsOf(results[0]));
        Assert.Equal(M2NStatus.Ok, sender.Release(ticket));
        Assert.Equal(1, sender.Counters.Messages);
        Assert.Equal(1, receiver.Counters.Peers);
    }

    [Theory]
    [InlineData(M2NTransport.Shm, M2NTransport.Shm)]
    [InlineData(M2NTransport.Ucx, M2NTransport.Ucx)]
    [InlineData(M2NTransport.Tcp, M2NTransport.Tcp)]
    [InlineData(M2NTransport.Auto, M2NTransport.Shm)]
    public void PeerTransport_OnOneHost_IsShmUnlessANetworkIsAskedFor(M2NTransport asked, M2NTransport got)
    {
        Endpoints.SkipUnlessAvailable(asked);
        using M2NEndpoint sender = Endpoints.Open(asked, M2NRole.Sender, rank: 0);
        using M2NEndpoint receiver = Endpoints.Open(asked, M2NRole.Receiver, rank: 0);
        Assert.Null(sender.PeerTransport(new Rank(0)));
        Endpoints.Connect(sender, 0, receiver);
        Assert.Equal(got, sender.PeerTransport(new Rank(0)));
        Assert.Equal([KeyValuePair.Create(new Rank(0), got)], sender.Pairs);
        sender.Disconnect(new Rank(0));
        Assert.Empty(sender.Pairs);
    }

    [Fact]
    public void Open_WithoutAnInterfaceOrWithAnUnknownOne_IsOneSentence()
    {
        M2NOptions good = Endpoints.Options(M2NTransport.Tcp, M2NRole.Sender, rank: 0);
        Assert.Contains("needs the name of a network interface", Assert.Throws<M2NException>(() => M2NEndpoint.Open(good with { Interface = "" })).Message);
        Assert.Contains("no network interface 'none0'", Assert.Throws<M2NException>(() => M2NEndpoint.Open(good with { Interface = "none0" })).Message);
        Assert.Contains("is no name of a network interface", Assert.Throws<M2NException>(() => M2NEndpoint.Open(good with { Interface = "a-name-too-long-for-linux" })).Message);
    }

    [Fact]
    public void RowMemory_HoldsRowsAndResults_UntilBothSidesLetGo()
    {
        var memory = new CountedMemory();
        M2NEndpoint sender = M2NEndpoint.Open(Endpoints.Options(M2NTransport.Loopback, M2NRole.Sender, 0) with { RowMemory = memory });
        M2NEndpoint receiver = M2NEndpoint.Open(Endpoints.Options(M2NTransport.Loopback, M2NRole.Receiver, 0) with { RowMemory = memory });
        Assert.True(sender.HasRowMemory && receiver.HasRowMemory);
        Endpoints.Connect(sender, peer: 0, receiver);
        Endpoints.Write(sender, slot: 1, peer: 0, first: 7);
        Assert.Equal(M2NStatus.Ok, sender.Dispatch(1, Endpoints.Message(tag: 0), out DispatchTicket ticket));
        Assert.Equal(M2NStatus.Ok, receiver.Receive(Endpoints.Window, waitUs: 1_000_000, out ExpertBatch batch));
        Assert.True(memory.Holds(batch[0].Rows) && memory.Holds(batch[0].Results));
        Endpoints.Compute(batch, rank: 0);
        Assert.Equal(M2NStatus.Ok, receiver.Return(batch, M2NStatus.Ok, computeNs: 0));
        var results = new ResultView[1];
        Assert.Equal(M2NStatus.Ok, sender.Combine(ticket, waitUs: 1_000_000, results, out _));
        Assert.Equal(Endpoints.Expected(first: 7, rank: 0), Endpoints.ResultsOf(results[0]));

        sender.Dispose();
        Assert.Equal(1, memory.Living);
        receiver.Dispose();
        Assert.Equal(0, memory.Living);
    }

    [Fact]
    public void RowMemory_ThatThrows_FailsTheConnection()
    {
        using M2NEndpoint sender = M2NEndpoint.Open(Endpoints.Options(M2NTransport.Loopback, M2NRole.Sender, 0) with { RowMemory = new CountedMemory { IsFull = true } });
        using M2NEndpoint receiver = M2NEndpoint.Open(Endpoints.Options(M2NTransport.Loopback, M2NRole.Receiver, 0) with { RowMemory = new CountedMemory() });
        Assert.Contains("row_memory has no", Assert.Throws<M2NException>(() => Endpoints.Connect(sender, peer: 0, receiver)).Message);
        using M2NEndpoint between = M2NEndpoint.Open(Endpoints.Options(M2NTransport.Shm, M2NRole.Sender, 0) with { RowMemory = new CountedMemory() });
        using M2NEndpoint other = M2NEndpoint.Open(Endpoints.Options(M2NTransport.Shm, M2NRole.Receiver, 0) with { RowMemory = new CountedMemory() });
        Assert.Contains("cannot be shared", Assert.Throws<M2NException>(() => Endpoints.Connect(between, peer: 0, other)).Message);
        Assert.Throws<M2NException>(() => M2NEndpoint.Open(Endpoints.Options(M2NTransport.Tcp, M2NRole.Sender, 0) with { RowMemory = new CountedMemory() }));
    }

    [Fact]
    public void ReturnPiece_RefusesOnlyThatPiece()
    {
        using M2NEndpoint first = Endpoints.Open(M2NTransport.Loopback, M2NRole.Sender, rank: 0);
        using M2NEndpoint second = Endpoints.Open(M2NTransport.Loopback, M2NRole.Sender, rank: 1);
        using M2NEndpoint receiver = Endpoints.Open(M2NTransport.Loopback, M2NRole.Receiver, rank: 0);
        M2NEndpoint[] senders = [first, second];
        var tickets = new DispatchTicket[2];
        foreach (M2NEndpoint sender in senders) Endpoints.Connect(sender, peer: 0, receiver);
        for (int i = 0; i < 2; i++)
        {
            Endpoints.Write(senders[i], slot: 0, peer: 0, first: i);
            senders[i].Dispatch(0, Endpoints.Message(tag: 0), out tickets[i]);
        }

        Assert.Equal(M2NStatus.Ok, receiver.Receive(Endpoints.Window, waitUs: 1_000_000, out ExpertBatch batch));
        Assert.Equal(2, batch.Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => batch[2]);
        Assert.Equal(M2NStatus.Ok, receiver.ReturnPiece(batch, 1, M2NStatus.Misplaced, computeNs: 0));
        Assert.Equal(M2NStatus.Ok, receiver.Return(batch, M2NStatus.Ok, computeNs: 0));
        var statuses = new M2NStatus[2];
        for (int i = 0; i < 2; i++)
        {
            int sender = batch[i].Peer.Value;
            var results = new ResultView[1];
            Assert.Equal(M2NStatus.Ok, senders[sender].Combine(tickets[sender], waitUs: 1_000_000, results, out _));
            statuses[i] = results[0].Status;
        }

        Assert.Equal([M2NStatus.Ok, M2NStatus.Misplaced], statuses);
    }

    [Fact]
    public async Task Wake_FromAnotherThread_EndsTheWait()
    {
        using M2NEndpoint receiver = Endpoints.Open(M2NTransport.Loopback, M2NRole.Receiver, rank: 0);
        Task<M2NStatus> waiting = Task.Run(() => receiver.Receive(Endpoints.Window, waitUs: 60_000_000, out _));
        receiver.Wake();
        Assert.Equal(M2NStatus.Woken, await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Wake_AfterDispose_DoesNothing()
    {
        M2NEndpoint receiver = Endpoints.Open(M2NTransport.Loopback, M2NRole.Receiver, rank: 0);
        receiver.Dispose();
        receiver.Wake();
        Assert.Throws<ObjectDisposedException>(() => receiver.Receive(Endpoints.Window, waitUs: 0, out _));
    }

    [Fact]
    public void DataPath_DoesNotAllocate()
    {
        using M2NEndpoint sender = Endpoints.Open(M2NTransport.Loopback, M2NRole.Sender, rank: 0);
        using M2NEndpoint receiver = Endpoints.Open(M2NTransport.Loopback, M2NRole.Receiver, rank: 0);
        Endpoints.Connect(sender, peer: 0, receiver);
        var results = new ResultView[1];
        void Round()
        {
            Endpoints.Write(sender, slot: 0, peer: 0, first: 1);
            sender.Dispatch(0, Endpoints.Message(tag: 0), out DispatchTicket ticket);
            receiver.Receive(Endpoints.Window, waitUs: 1_000_000, out ExpertBatch batch);
            Endpoints.Compute(batch, rank: 0);
            receiver.Return(batch, M2NStatus.Ok, computeNs: 0);
            sender.Combine(ticket, waitUs: 1_000_000, results, out _);
            sender.Release(ticket);
        }

        for (int i = 0; i < 100; i++) Round();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) Round();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void DataPath_OutOfContract_IsAStatus()
    {
        using M2NEndpoint sender = Endpoints.Open(M2NTransport.Loopback, M2NRole.Sender, rank: 0);
        Assert.Equal(M2NStatus.PeerLost, sender.OpenSlot(0, new Rank(0), 1, 1, 1, out _));
        Assert.Equal(M2NStatus.Invalid, sender.OpenSlot(9, new Rank(0), 1, 1, 1, out _));
        Assert.Equal(M2NStatus.Invalid, sender.Release(default));
        Assert.Equal(M2NStatus.Invalid, sender.Receive(Endpoints.Window, waitUs: 0, out ExpertBatch batch));
        Assert.Equal(0, batch.Count);
        Assert.Equal(M2NStatus.PeerLost, sender.PeerState(new Rank(0)));
    }

    [Fact]
    public void Open_BadOptions_SaysWhichInOneSentence()
    {
        M2NOptions good = Endpoints.Options(M2NTransport.Loopback, M2NRole.Sender, rank: 0);
        M2NException slots = Assert.Throws<M2NException>(() => M2NEndpoint.Open(good with { Slots = 17 }));
        Assert.Equal("m2n_endpoint_open: slots is 17; it must be 1..16", slots.Message);
        Assert.Equal(M2NStatus.Invalid, slots.Status);
        M2NException secret = Assert.Throws<M2NException>(() => M2NEndpoint.Open(good with { Secret = new byte[3] }));
        Assert.Equal("An M2N secret has 16 bytes, not 3.", secret.Message);
    }

    [Fact]
    public void Connect_Refused_CarriesTheReasonAndStatus()
    {
        using M2NEndpoint receiver = Endpoints.Open(M2NTransport.Loopback, M2NRole.Receiver, rank: 0);
        using M2NEndpoint stranger = M2NEndpoint.Open(
            Endpoints.Options(M2NTransport.Loopback, M2NRole.Sender, rank: 0) with { Secret = new byte[M2NOptions.SecretBytes] });
        M2NException refused = Assert.Throws<M2NException>(() => Endpoints.Connect(stranger, peer: 4, receiver));
        Assert.Equal("m2n_connect: receiver 4 refused: the cluster secret is wrong", refused.Message);
        Assert.Equal(M2NStatus.Refused, refused.Status);
        M2NException timeout = Assert.Throws<M2NException>(
            () => stranger.Connect(new Rank(4), receiver.Address, TimeSpan.FromMilliseconds(1)));
        Assert.Equal(M2NStatus.Timeout, timeout.Status);
        M2NException garbage = Assert.Throws<M2NException>(() => stranger.Connect(new Rank(4), new byte[5], TimeSpan.Zero));
        Assert.Equal(M2NStatus.Invalid, garbage.Status);
    }
}
