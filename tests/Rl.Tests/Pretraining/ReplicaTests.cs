using MegaInfer.Rl.Pretraining;
using MegaInfer.Rl.Pretraining.Functions;
using Xunit;

namespace MegaInfer.Rl.Tests.Pretraining;

/// <summary>The hand-written gradients, part by part, against differences of the loss.</summary>
public sealed class ReplicaTests
{
    private const float StepSize = 2e-3f;

    // With two experts every row goes to both: a row that changes its experts would put a jump into the loss.
    private static readonly ParameterLayout Layout = new(SmallRun.Layout.Shape with { ExpertCount = 2 });

    [Theory]
    [InlineData("embedding")]
    [InlineData("layers.0.joined")]
    [InlineData("layers.1.output")]
    [InlineData("layers.0.router")]
    [InlineData("layers.0.gate_up")]
    [InlineData("layers.1.down")]
    [InlineData("layers.0.input_norm")]
    [InlineData("layers.1.query_norm")]
    [InlineData("layers.0.key_norm")]
    [InlineData("layers.0.expert_norm")]
    [InlineData("final_norm")]
    public void Accumulate_OneParameter_GradientIsTheSlope(string name)
    {
        ParameterSlot slot = Layout[name];
        TokenBatch batch = SmallRun.Source().Draw(step: 3)[0];
        float[] start = ParameterInitialiser.Draw(Layout, seed: 4);
        for (int i = 0; i < start.Length; i++)
            start[i] *= 2; // far enough from zero for every part to matter

        Replica replica = new(Layout, start, balance: 0);
        replica.Accumulate(batch, batch.Targets.Length);
        float[] gradient = replica.Gradients.Floats().Slice(slot.Offset, slot.Count).ToArray();
        double norm = Math.Sqrt(gradient.Sum(g => (double)g * g));
        Assert.True(norm > 1e-4, $"no gradient: {norm}");

        // Along the gradient itself the slope is its norm.
        double slope = (LossAlong(StepSize) - LossAlong(-StepSize)) / (2 * StepSize);
        Assert.InRange(slope / norm, 0.97, 1.03);

        double LossAlong(float distance)
        {
            float[] moved = [.. start];
            for (int i = 0; i < slot.Count; i++)
                moved[slot.Offset + i] += (float)(distance * gradient[i] / norm);
            return new Replica(Layout, moved, balance: 0).Accumulate(batch, batch.Targets.Length) / (double)batch.Targets.Length;
        }
    }

    [Fact]
    public void Accumulate_BalanceOnly_PushesTheBusiestExpertDown()
    {
        TokenBatch batch = SmallRun.Source().Draw(step: 3)[0];
        float[] start = ParameterInitialiser.Draw(SmallRun.Layout, seed: 4);
        Replica without = new(SmallRun.Layout, start, balance: 0);
        Replica with = new(SmallRun.Layout, start, balance: 1);
        without.Accumulate(batch, batch.Targets.Length);
        with.Accumulate(batch, batch.Targets.Length);
        ParameterSlot router = SmallRun.Layout["layers.0.router"];
        Assert.NotEqual(
            without.Gradients.Floats().Slice(router.Offset, router.Count).ToArray(), with.Gradients.Floats().Slice(router.Offset, router.Count).ToArray());
        ParameterSlot last = SmallRun.Layout["final_norm"];
        Assert.Equal(
            without.Gradients.Floats().Slice(last.Offset, last.Count).ToArray(), with.Gradients.Floats().Slice(last.Offset, last.Count).ToArray());
    }
}
