using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.AttentionNodes.Tests.Scheduling;
using MegaInfer.M2N;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

public sealed class PipelineAllocationTests
{
    [Theory]
    [InlineData("qwen3_moe", 1)]
    [InlineData("qwen3_moe", 4)]
    [InlineData("deepseek_v3", 2)] // latent attention, shared experts, a dense layer
    [InlineData("gpt_oss", 2)] // biases, sinks, windows
    [InlineData("olmoe", 1)] // clipping
    public void Run_ThroughAllLayers_AllocatesNothing(string family, int microBatches)
    {
        using TinyModel model = TinyModel.OfFamily(family);
        AttentionNodeOptions options = LoopRig.Options;
        using var memory = new NodeMemory(model.Weights, model.Context, options);
        using var twin = new ExpertTwin(model, memory.Step);
        var pipeline = new PingPongPipeline(memory.Embedding, memory.Layers, memory.Step, twin, memory.Clock);
        SchedulerLimits limits = Requests.Limits with { MaxStepRows = options.MaxStepRows };
        var scheduler = new Scheduler(model.Weights.Spec, limits, new KvSpace(options.KvBlocks, false), default, new ManualTime());
        for (int id = 1; id <= 4; id++)
            scheduler.Add(Prompts.Of(id, 7, 5, content: id));
        Step step = scheduler.NextStep();
        // The first runs pay for what is made once: static data, the runtime's own tables, kernel scratch.
        for (int i = 0; i < 50; i++)
            Assert.Equal(M2NStatus.Ok, pipeline.Run(step, microBatches));

        long allocated = Allocations.Of(() =>
        {
            for (int i = 0; i < 10; i++)
                pipeline.Run(step, microBatches);
        });
        Assert.Equal(0, allocated);
    }
}
