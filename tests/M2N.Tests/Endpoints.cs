using MegaInfer.Engine;
using Xunit;

namespace MegaInfer.M2N.Tests;

/// <summary>Small endpoints for the tests: 4 floats a row, 6 a result, 2 slots.</summary>
internal static class Endpoints
{
    public const int RowFloats = 4;
    public const int ResultFloats = 6;
    public const int TagCount = 4;
    public const ulong DeadlineUs = 20_000_000;

    public static GatherWindow Window => new(TagCount, windowUs: 0, maxPairs: 1024);

    public static M2NOptions Options(M2NTransport transport, M2NRole role, int rank) => new()
    {
        Transport = transport,
        Role = role,
        Rank = new Rank(rank),
        MaxPeers = 4,
        Slots = 2,
        MaxRows = 8,
        MaxPairs = 16,
        MaxGroups = 4,
        RowBytes = RowFloats * sizeof(float),
        ResultBytes = ResultFloats * sizeof(float),
        Interface = "lo",
        Secret = "0123456789abcdef"u8.ToArray(),
    };

    public static M2NEndpoint Open(M2NTransport transport, M2NRole role, int rank) => M2NEndpoint.Open(Options(transport, role, rank));

    public static void SkipUnlessAvailable(M2NTransport transport)
    {
        M2NCapabilities capabilities = M2NCapabilities.Of(transport);
        Assert.SkipUnless(capabilities.IsAvailable, capabilities.WhyNot ?? "");
    }

    public static DispatchMessage Message(int tag) => new(tag, new WeightVersion(3), epoch: 5, DeadlineUs);

    /// <summary>Connects while the receiver accepts on this thread.</summary>
    public static void Connect(M2NEndpoint sender, int peer, M2NEndpoint receiver)
    {
        Task connecting = Task.Run(() => sender.Connect(new Rank(peer), receiver.Address, TimeSpan.FromSeconds(10)));
        while (!connecting.IsCompleted) receiver.Receive(Window, waitUs: 500, out _);
        connecting.GetAwaiter().GetResult();
    }

    /// <summary>Opens and writes a piece: two rows, row i holding first + i; groups (1: both rows), (2: the second row).</summary>
    public static void Write(M2NEndpoint sender, int slot, int peer, float first)
    {
        M2NStatus status = sender.OpenSlot(slot, new Rank(peer), rows: 2, pairs: 3, groups: 2, out SlotView view);
        if (status != M2NStatus.Ok) throw new InvalidOperationException(status.ToString());
        Span<float> rows = view.Rows.HostSpan<float>(2 * RowFloats);
        rows[..RowFloats].Fill(first);
        rows[RowFloats..].Fill(first + 1);
        ReadOnlySpan<uint> rowOfPair = [0, 1, 1];
        rowOfPair.CopyTo(view.RowOfPair);
        view.Groups[0] = new Group(Key: 1, Pairs: 2);
        view.Groups[1] = new Group(Key: 2, Pairs: 1);
    }

    /// <summary>What a receiver makes of a piece: result = row x 100 + key x 10 + rank.</summary>
    public static void Compute(in ExpertBatch batch, int rank)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            PieceView piece = batch[i];
            int pair = 0;
            foreach (Group group in piece.Groups)
            {
                for (int end = pair + (int)group.Pairs; pair < end; pair++)
                {
                    float row = piece.Rows.Plus((long)piece.RowOfPair[pair] * RowFloats * sizeof(float)).HostSpan<float>(1)[0];
                    piece.Results.Plus((long)pair * ResultFloats * sizeof(float)).HostSpan<float>(ResultFloats).Fill((row * 100) + (group.Key * 10) + rank);
                }
            }
        }
    }

    /// <summary>The first float of each pair's result for <see cref="Write"/> and <see cref="Compute"/>.</summary>
    public static float[] Expected(float first, int rank) => [(first * 100) + 10 + rank, ((first + 1) * 100) + 10 + rank, ((first + 1) * 100) + 20 + rank];

    public static float[] ResultsOf(in ResultView result)
    {
        float[] firsts = new float[result.Pairs];
        for (int pair = 0; pair < firsts.Length; pair++)
            firsts[pair] = result.Rows.Plus((long)pair * ResultFloats * sizeof(float)).HostSpan<float>(1)[0];
        return firsts;
    }
}
