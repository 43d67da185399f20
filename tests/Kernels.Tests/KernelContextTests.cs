using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests;

public sealed class KernelContextTests
{
    [Fact]
    public void Create_Defaults_NamesBackendAndNumerics()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions());
        Assert.Contains(context.Backend, new[] { "reference", "avx2", "avx512", "avx512vnni", "avx512bf16" });
        Assert.Equal("cpu-fma-2", context.Numerics);
        Assert.True(context.ThreadCount >= 1);
    }

    [Fact]
    public void Create_BackendOfAnotherBuild_ThrowsOneSentence()
    {
        KernelException error = Assert.Throws<KernelException>(
            () => KernelContext.Create(new KernelContextOptions { Backend = KernelBackend.Cuda }));
        Assert.Contains("mk_context_create", error.Message);
        Assert.Contains("cuda", error.Message);
    }

    [Fact]
    public void Create_CoreBeyondTheMask_ThrowsAndNamesIt()
    {
        KernelException error = Assert.Throws<KernelException>(() => KernelContext.Create(new KernelContextOptions { Cores = [256] }));
        Assert.Contains("256", error.Message);
    }

    [Fact]
    public void Create_CoresThatDoNotExist_ThrowsAndNamesTheMask()
    {
        KernelException error = Assert.Throws<KernelException>(() => KernelContext.Create(new KernelContextOptions { Cores = [255] }));
        Assert.Contains("core_mask", error.Message);
    }

    [Fact]
    public void Allocate_AnySize_IsZeroedAndAligned()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        foreach (long bytes in new[] { 0L, 4, 100, 8 << 20 })
        {
            using DeviceBuffer buffer = context.Allocate(bytes);
            Assert.Equal(0, buffer.Address.Value % 64);
            Assert.Equal(-1, buffer.HostSpan<byte>().IndexOfAnyExcept((byte)0));
        }
    }

    [Fact]
    public void Copy_Bytes_Arrive()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<int> source = new(context, [1, 2, 3]);
        using HostArray<int> destination = new(context, [0, 0, 0]);
        context.Copy(destination, source, 12);
        context.Wait();
        Assert.Equal([1, 2, 3], destination.Span.ToArray());
    }

    [Fact]
    public void Dispose_BeforeItsBuffersAndWeights_FreesTheContextAfterTheLastOfThem()
    {
        KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 2 });
        HostArray<float> data = new(context, [1f, 2f, 3f, 4f]);
        PackedWeight weight = context.PackWeight([new MatrixSource(data, WeightType.F32, 2)], 2, WeightType.F32);
        context.Dispose();
        Assert.Equal(4f, data.Span[3]);
        data.Dispose();
        weight.Dispose();
        Assert.Throws<ObjectDisposedException>(() => context.Wait());
        Assert.Throws<ObjectDisposedException>(() => data.Address);
    }

    [Fact]
    public void Gemm_WithADisposedWeight_Throws()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> data = new(context, [1f, 2f]);
        PackedWeight weight = context.PackWeight([new MatrixSource(data, WeightType.F32, 1)], 2, WeightType.F32);
        weight.Dispose();
        Assert.Throws<ObjectDisposedException>(() => context.Gemm(weight, new GemmArgs { Rows = 0 }));
    }

    [Fact]
    public void Operation_BadArgument_ThrowsWithCallAndArgument()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> table = new(context, new float[8]);
        using HostArray<int> ids = new(context, [0, 2]);
        using HostArray<float> output = new(context, new float[8]);
        EmbedArgs args = new() { Table = table, Ids = ids, Out = output, TableType = WeightType.F32, Vocabulary = 2, Rows = 2, Hidden = 4 };
        KernelException error = Assert.Throws<KernelException>(() => context.Embed(in args));
        Assert.Equal("mk_embed: ids[1] is 2, outside 0..1", error.Message);
    }

    [Fact]
    public void PackWeight_NullData_ThrowsAndNamesIt()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        KernelException error = Assert.Throws<KernelException>(
            () => context.PackWeight([new MatrixSource(DeviceAddress.Null, WeightType.F32, 2)], 2, WeightType.BF16));
        Assert.Contains("data is null", error.Message);
    }
}
