using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MegaInfer.Engine;
using MegaInfer.M2N.Native;
using Xunit;

namespace MegaInfer.M2N.Tests.Native;

/// <summary>The C# structs lie in memory as those of <c>m2n.h</c>; the numbers are those of the header's 64-bit layout.</summary>
public sealed unsafe class LayoutTests
{
    [Fact]
    public void Sizes_AreThoseOfTheHeader()
    {
        Assert.Equal(96, sizeof(m2n_config));
        Assert.Equal(8, sizeof(Group));
        Assert.Equal(24, sizeof(m2n_slot_view));
        Assert.Equal(32, sizeof(DispatchMessage));
        Assert.Equal(40, sizeof(ResultView));
        Assert.Equal(72, sizeof(m2n_piece));
        Assert.Equal(32, sizeof(m2n_batch));
        Assert.Equal(16, sizeof(GatherWindow));
        Assert.Equal(56, sizeof(M2NCounters));
        Assert.Equal(48, sizeof(m2n_capabilities));
    }

    [Fact]
    public void ConfigOffsets_AreThoseOfTheHeader()
    {
        m2n_config config;
        byte* start = (byte*)&config;
        Assert.Equal(4, (byte*)&config.transport - start);
        Assert.Equal(16, (byte*)&config.max_peers - start);
        Assert.Equal(40, (byte*)&config.result_bytes - start);
        Assert.Equal(52, (byte*)&config.reserved - start);
        Assert.Equal(56, (byte*)&config.secret - start);
        Assert.Equal(72, (byte*)&config.interface_name - start);
        Assert.Equal(88, (byte*)&config.row_memory - start);
    }

    [Fact]
    public void PieceAndBatchOffsets_AreThoseOfTheHeader()
    {
        m2n_piece piece;
        byte* start = (byte*)&piece;
        Assert.Equal(16, (byte*)&piece.row_of_pair - start);
        Assert.Equal(32, (byte*)&piece.rows_count - start);
        Assert.Equal(48, (byte*)&piece.slot - start);
        Assert.Equal(56, (byte*)&piece.epoch - start);
        m2n_batch batch;
        Assert.Equal(12, (byte*)&batch.tag - (byte*)&batch);
        Assert.Equal(24, (byte*)&batch.gather_ns - (byte*)&batch);
    }

    [Fact]
    public void MessageAndWindow_PutEachFieldInItsPlace()
    {
        Assert.Equal(
            [1, 0, 2, 0, 3, 0, 4, 0],
            Words(new DispatchMessage(tag: 1, new WeightVersion(2), epoch: 3, deadlineUs: 4)));
        Assert.Equal([5, 6, 7, 0], Words(new GatherWindow(tagCount: 5, windowUs: 6, maxPairs: 7)));
        Assert.Equal([8, 9], Words(new Group(Key: 8, Pairs: 9)));
    }

    [Fact]
    public void ResultAndCounters_ReadEachFieldFromItsPlace()
    {
        ResultView result = FromWords<ResultView>(0x10, 0, 3, unchecked((uint)-2), 5, 0, 7, 0, 8, 0);
        Assert.Equal(0x10, result.Rows.Value);
        Assert.Equal(new Rank(3), result.Peer);
        Assert.Equal(M2NStatus.PeerLost, result.Status);
        Assert.Equal((5, 7L, 8L), (result.Pairs, result.HoldNs, result.ComputeNs));
        M2NCounters counters = FromWords<M2NCounters>(1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0);
        Assert.Equal(
            (1L, 2L, 3L, 4L, 5L, 6L, 7),
            (counters.Messages, counters.Bytes, counters.Sleeps, counters.Waits, counters.Invalid, counters.Gathered, counters.Peers));
    }

    [Fact]
    public void FindFault_RightLibrary_IsNull() =>
        Assert.Null(M2NLibrary.FindFault(M2NNative.m2n_abi_version, M2NNative.m2n_struct_bytes));

    [Fact]
    public void FindFault_OtherVersionOrSizes_NamesBothNumbers()
    {
        Assert.Contains($"has ABI version 99 where this build expects {M2NNative.AbiVersion}", M2NLibrary.FindFault(() => 99, _ => 0));
        Assert.Contains("has 73 bytes for Config where this build expects 96", M2NLibrary.FindFault(() => M2NNative.AbiVersion, _ => 73));
    }

    [Fact]
    public void FindFault_MissingOrOldLibrary_IsOneSentenceWithTheRemedy()
    {
        Assert.EndsWith("run ./megainfer build to build it.", M2NLibrary.FindFault(() => throw new DllNotFoundException(), _ => 0));
        Assert.Contains("is older than this build", M2NLibrary.FindFault(() => M2NNative.AbiVersion, _ => throw new EntryPointNotFoundException()));
    }

    private static uint[] Words<T>(T value)
        where T : unmanaged => MemoryMarshal.Cast<byte, uint>(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value))).ToArray();

    private static T FromWords<T>(params ReadOnlySpan<uint> words)
        where T : unmanaged
    {
        Assert.Equal(Unsafe.SizeOf<T>(), words.Length * sizeof(uint));
        return MemoryMarshal.Read<T>(MemoryMarshal.AsBytes(words));
    }
}
