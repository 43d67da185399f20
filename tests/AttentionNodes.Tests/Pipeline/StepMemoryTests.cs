using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Tests.Scheduling;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

public sealed class StepMemoryTests : IDisposable
{
    private const int MaxRows = 6;

    private static readonly ModelSpec Latent = Requests.Spec with
    {
        Attention = new LatentAttentionSpec(2, QueryRank: 0, KvRank: 12, NopeDim: 6, RopeDim: 4, ValueHeadDim: 5, ScaleFactor: 1),
    };

    private readonly KernelContext _context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });

    public void Dispose() => _context.Dispose();

    private StepMemory Make(ModelSpec spec) => new(_context, spec, new PipelineShape(spec, MaxRows, NumberType.Float32), maxSequences: 1);

    [Fact]
    public void Constructor_GroupedAttention_MakesNothingForTheOtherKind()
    {
        using StepMemory memory = Make(Requests.Spec);
        Assert.Equal(24, memory.Qkv.Width);
        Assert.Null(memory.Latent);
        Assert.Null(memory.Shared);
    }

    [Fact]
    public void Constructor_LatentAttention_MakesNothingForTheOtherKind()
    {
        using StepMemory memory = Make(Latent);
        Assert.True(memory.Qkv.Start.IsNull);
        Assert.True(memory.Latent!.QueryDown.Start.IsNull);
        Assert.Equal((20, 32, 16, 24), (memory.Latent.Queries.Width, memory.Latent.Absorbed.Width, memory.Latent.Keys.Width, memory.Latent.Latents.Width));
        Assert.Equal(10, memory.Attended.Width);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Constructor_SharedExpertOrDenseLayer_AddressesEveryRowOnce(bool isDense, bool hasGate)
    {
        ModelSpec spec = Requests.Spec with
        {
            Layers = [new LayerSpec(isDense, Window: 0)],
            SharedExpert = isDense ? null : new SharedExpertSpec(8, hasGate),
        };
        using StepMemory memory = Make(spec);
        SharedRows shared = memory.Shared!;
        Assert.Equal(hasGate, !shared.Logits.Start.IsNull);
        int rowBytes = spec.HiddenSize * sizeof(float);
        for (int row = 0; row < MaxRows; row++)
        {
            Assert.Equal(memory.Normed.Start.Plus(row * rowBytes).Value, shared.NormedOfRow.HostSpan<nint>(MaxRows)[row]);
            Assert.Equal(shared.Results.Start.Plus(row * rowBytes).Value, shared.ResultOfRow.HostSpan<nint>(MaxRows)[row]);
        }

        Assert.Equal([0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6], shared.Offsets.HostSpan<int>(2 * (MaxRows + 1)).ToArray());
    }
}
