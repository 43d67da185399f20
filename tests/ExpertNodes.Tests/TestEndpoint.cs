using MegaInfer.Engine;
using MegaInfer.ExpertNodes.Pipeline;
using MegaInfer.M2N;

namespace MegaInfer.ExpertNodes.Tests;

/// <summary>The sizes that both sides of the tests' pairs agree on.</summary>
internal static class TestEndpoint
{
    public const int Slots = 3;
    public const int MaxRows = 16;
    public const int MaxPairs = MaxRows * TestModel.Experts;
    private const int RowBytes = TestModel.Hidden * sizeof(float);

    public static ExpertPipelineSizes Sizes { get; } = new(MaxPeers: 4, RowBytes, RowBytes, MaxPairs);

    public static M2NEndpoint Receiver() => M2NEndpoint.Open(Options(M2NRole.Receiver, 0));

    public static M2NOptions Options(M2NRole role, int rank) => new()
    {
        Transport = M2NTransport.Loopback,
        Role = role,
        Rank = new Rank(rank),
        MaxPeers = Sizes.MaxPeers,
        Slots = Slots,
        MaxRows = MaxRows,
        MaxPairs = MaxPairs,
        MaxGroups = TestModel.Experts,
        RowBytes = RowBytes,
        ResultBytes = RowBytes,
    };
}
