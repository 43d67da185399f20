using CsCheck;
using MegaInfer.Engine;
using Xunit;

namespace MegaInfer.M2N.Tests;

/// <summary>2 senders x 3 receivers, each on its own thread, with random subsets of receivers in every dispatch.</summary>
public sealed class ManyToManyTests
{
    private const int SenderCount = 2;
    private const int ReceiverCount = 3;
    private const int Rounds = 60;

    [Theory]
    [InlineData(M2NTransport.Loopback)]
    [InlineData(M2NTransport.Shm)]
    [InlineData(M2NTransport.Ucx)]
    [InlineData(M2NTransport.Tcp)]
    public void EveryRowComesBack_FromTheReceiverItWentTo(M2NTransport transport)
    {
        Endpoints.SkipUnlessAvailable(transport);
        Gen.Int[0, 7].Array[SenderCount * Rounds].Sample(subsets => Run(transport, subsets), iter: 3, threads: 1);
    }

    // subsets[sender * Rounds + round] is a bit mask of receivers; 0 is a dispatch to nobody.
    private static void Run(M2NTransport transport, int[] subsets)
    {
        M2NEndpoint[] receivers = [.. Enumerable.Range(0, ReceiverCount).Select(rank => Endpoints.Open(transport, M2NRole.Receiver, rank))];
        using var stop = new CancellationTokenSource();
        Task[] serving = [.. receivers.Select((endpoint, rank) => Start(() => Serve(endpoint, rank, stop.Token)))];
        try
        {
            Task[] sending = [.. Enumerable.Range(0, SenderCount).Select(rank => Start(
                () => Send(transport, rank, receivers, subsets.AsSpan(rank * Rounds, Rounds))))];
            Assert.True(Task.WaitAll(sending, TimeSpan.FromSeconds(60)), "the senders are done in time");
        }
        finally
        {
            stop.Cancel();
            Task.WaitAll(serving);
            foreach (M2NEndpoint receiver in receivers) receiver.Dispose();
        }
    }

    private static void Serve(M2NEndpoint endpoint, int rank, CancellationToken stop)
    {
        var window = new GatherWindow(Endpoints.TagCount, windowUs: 100, maxPairs: 1024);
        while (!stop.IsCancellationRequested)
        {
            if (endpoint.Receive(window, waitUs: 2_000, out ExpertBatch batch) != M2NStatus.Ok) continue;
            Endpoints.Compute(batch, rank);
            Assert.Equal(M2NStatus.Ok, endpoint.Return(batch, M2NStatus.Ok, computeNs: 1));
        }
    }

    private static void Send(M2NTransport transport, int rank, M2NEndpoint[] receivers, ReadOnlySpan<int> subsets)
    {
        using M2NEndpoint endpoint = Endpoints.Open(transport, M2NRole.Sender, rank);
        for (int peer = 0; peer < ReceiverCount; peer++) endpoint.Connect(new Rank(peer), receivers[peer].Address, TimeSpan.FromSeconds(30));
        var tickets = new DispatchTicket[2];
        for (int round = 0; round < Rounds; round++)
        {
            int slot = round % 2;
            if (round >= 2) Finish(endpoint, rank, round - 2, tickets[slot], subsets[round - 2]);
            for (int peer = 0; peer < ReceiverCount; peer++)
            {
                if ((subsets[round] >> peer & 1) != 0) Endpoints.Write(endpoint, slot, peer, First(rank, round, peer));
            }

            Assert.Equal(M2NStatus.Ok, endpoint.Dispatch(slot, Endpoints.Message(round % Endpoints.TagCount), out tickets[slot]));
        }

        for (int round = Rounds - 2; round < Rounds; round++) Finish(endpoint, rank, round, tickets[round % 2], subsets[round]);
    }

    private static void Finish(M2NEndpoint endpoint, int rank, int round, DispatchTicket ticket, int subset)
    {
        var results = new ResultView[ReceiverCount];
        Assert.Equal(M2NStatus.Ok, endpoint.Combine(ticket, waitUs: 30_000_000, results, out int count));
        Assert.Equal(int.PopCount(subset), count);
        foreach (ResultView result in results.AsSpan(0, count))
        {
            Assert.Equal(M2NStatus.Ok, result.Status);
            Assert.Equal(Endpoints.Expected(First(rank, round, result.Peer.Value), result.Peer.Value), Endpoints.ResultsOf(result));
        }

        Assert.Equal(M2NStatus.Ok, endpoint.Release(ticket));
    }

    private static float First(int rank, int round, int peer) => (rank * 1000) + (round * 10) + (peer * 3);

    private static Task Start(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
