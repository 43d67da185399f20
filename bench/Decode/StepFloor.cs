using MegaInfer.Bench.Machine;
using MegaInfer.Engine.Model;

namespace MegaInfer.Bench.Decode;

/// <summary>
/// The least time that one decode step of a batch can take on a machine: its bytes at the speed of memory or its operations at the speed of fused
/// multiply-adds, whichever is more. Every dense weight is read once, each touched expert once, and each row's keys and values once.
/// </summary>
/// <param name="Bytes">Read from memory.</param>
/// <param name="Flops">A multiplication and an addition are two.</param>
internal readonly record struct StepFloor(double Bytes, double Flops)
{
    /// <param name="spec">The model.</param>
    /// <param name="weights">Type of the packed weights.</param>
    /// <param name="kv">Type of the KV cache.</param>
    /// <param name="batch">Rows of the step.</param>
    /// <param name="context">Positions that each row attends to.</param>
    /// <param name="expertsTouched">Distinct experts in each layer.</param>
    internal static StepFloor Of(ModelSpec spec, NumberType weights, NumberType kv, int batch, double context, double expertsTouched)
    {
        var attention = (GroupedAttentionSpec)spec.Attention;
        double hidden = spec.HiddenSize;
        double projections = hidden * ((2.0 * attention.QueryWidth) + (2.0 * attention.KvWidth));
        double router = hidden * spec.Router.ExpertCount;
        double expert = 3.0 * hidden * spec.Experts.Width;
        double head = hidden * spec.VocabularySize;
        double kvPerPosition = 2.0 * attention.KvWidth;

        double bytes = (spec.LayerCount * ((projections + router + (expertsTouched * expert)) * weights.Bytes()))
            + (head * weights.Bytes())
            + (batch * hidden * weights.Bytes())
            + (spec.LayerCount * batch * context * kvPerPosition * kv.Bytes());
        double flops = 2.0 * batch * ((spec.LayerCount * (projections + router + (spec.Router.ExpertsPerToken * expert))) + head)
            + (spec.LayerCount * batch * context * 4.0 * attention.QueryWidth);
        return new StepFloor(bytes, flops);
    }

    /// <summary>How many distinct experts a layer's rows touch on average if the router is even: E (1 - (1 - k/E)^rows).</summary>
    internal static double EvenExperts(RouterSpec router, int rows) =>
        router.ExpertCount * (1 - Math.Pow(1 - ((double)router.ExpertsPerToken / router.ExpertCount), rows));

    internal double MemoryMs(MachineInfo machine) => Bytes / (machine.ReadGbPerS * 1e6);

    internal double ComputeMs(MachineInfo machine) => Flops / (machine.FmaGflopPerS * 1e6);

    internal double StepMs(MachineInfo machine) => Math.Max(MemoryMs(machine), ComputeMs(machine));
}
