using MegaInfer.Bench.Cluster;
using MegaInfer.Bench.Machine;
using MegaInfer.Engine.Model;

namespace MegaInfer.Bench.Decode;

/// <summary>
/// The least time that one decode step of a batch can take on a machine: its bytes at the speed of memory or its operations at the speed of the kernels'
/// instructions, whichever is more. Every dense weight is read once, each touched expert once, and each row's keys and values once. Products with integer
/// weights are of bytes, several at once: their operations are not counted, so their floor is that of memory.
/// </summary>
/// <param name="Bytes">Read from memory.</param>
/// <param name="Flops">A multiplication and an addition are two.</param>
/// <param name="BFloat16Flops">Those among them with bf16 weights.</param>
internal readonly record struct StepFloor(double Bytes, double Flops, double BFloat16Flops)
{
    /// <param name="spec">The model.</param>
    /// <param name="weights">Types of the packed weights.</param>
    /// <param name="kv">Type of the KV cache.</param>
    /// <param name="batch">Rows of the step.</param>
    /// <param name="context">Positions that each row attends to, where no window hides some.</param>
    /// <param name="expertsTouched">Distinct experts in each layer that has any.</param>
    internal static StepFloor Of(ModelSpec spec, LocalWeightTypes weights, NumberType kv, int batch, double context, double expertsTouched) =>
        Of(spec, weights, kv, batch, context, expertsTouched, sequences: batch);

    /// <summary>One prompt in one step: each weight is read once, and only the last row has logits.</summary>
    internal static StepFloor OfPrompt(ModelSpec spec, LocalWeightTypes weights, NumberType kv, int tokens) =>
        Of(spec, weights, kv, tokens, tokens / 2.0, EvenExperts(spec.Router, tokens), sequences: 1);

    // Rows of one sequence share what is read of its keys and values.
    private static StepFloor Of(
        ModelSpec spec, LocalWeightTypes weights, NumberType kv, int batch, double context, double expertsTouched, int sequences)
    {
        AttentionSpec attention = spec.Attention;
        double hidden = spec.HiddenSize;
        double expert = 3.0 * hidden * spec.Experts.Width;
        double head = hidden * spec.VocabularySize;
        double dense = 3.0 * hidden * spec.DenseWidth;
        double shared = spec.SharedExpert is { } one ? (3.0 * hidden * one.Width) + (one.HasGate ? hidden : 0) : 0;
        double router = hidden * spec.Router.ExpertCount;

        double bytes = (head + (batch * hidden)) * PackedBytes(weights.Head); // the embedding's rows are too few to tell
        double flops = 0, paired = 0;
        void Multiply(double operations, NumberType type)
        {
            flops += type.IsInteger() ? 0 : operations;
            paired += type == NumberType.BFloat16 ? operations : 0;
        }

        Multiply(2.0 * sequences * head, weights.Head);
        foreach (LayerSpec layer in spec.Layers)
        {
            double positions = layer.Window > 0 ? Math.Min(layer.Window, context) : context;
            double always = Projections(attention, hidden) + (layer.IsDense ? dense : shared);
            bytes += (always * PackedBytes(weights.Projections)) + (sequences * positions * attention.CachedWidth * kv.Bytes());
            Multiply(2.0 * batch * always, weights.Projections);
            Multiply(2.0 * batch * positions * attention.HeadCount * (attention.KeyDim + attention.ValueDim), NumberType.Float32);
            if (layer.IsDense)
                continue;
            bytes += (router * PackedBytes(NumberType.Float32)) + (expertsTouched * expert * PackedBytes(weights.Experts));
            Multiply(2.0 * batch * router, NumberType.Float32);
            Multiply(2.0 * batch * spec.Router.ExpertsPerToken * expert, weights.Experts);
        }

        return new StepFloor(bytes, flops, paired);
    }

    /// <summary>Bytes of a number with its part of the scales: one fp32 for 128 of FP8, one byte for 32 of MXFP4, an fp16 for 32 of int8 and int4.</summary>
    internal static double PackedBytes(NumberType type) => (type.Bits() / 8.0) + type switch
    {
        NumberType.Float8E4M3 => 4.0 / 128,
        NumberType.MxFloat4 => 1.0 / 32,
        NumberType.Int8 or NumberType.Int4 => 2.0 / 32,
        _ => 0,
    };

    /// <summary>Weights of a layer's attention.</summary>
    private static double Projections(AttentionSpec spec, double hidden)
    {
        double output = hidden * spec.OutputInputWidth;
        if (spec is not LatentAttentionSpec latent)
            return output + (hidden * ((spec.HeadCount * spec.KeyDim) + spec.CachedWidth));
        double queries = (double)latent.HeadCount * latent.QueryHeadDim;
        double queryUp = latent.QueryRank > 0 ? latent.QueryRank * (hidden + queries) : hidden * queries;
        double heads = (double)latent.HeadCount * latent.KvRank * (latent.NopeDim + latent.ValueHeadDim);
        return output + queryUp + (hidden * latent.KeyDim) + heads;
    }

    /// <summary>How many distinct experts a layer's rows touch on average if the router is even: E (1 - (1 - k/E)^rows).</summary>
    internal static double EvenExperts(RouterSpec router, int rows) =>
        router.ExpertCount * (1 - Math.Pow(1 - ((double)router.ExpertsPerToken / router.ExpertCount), rows));

    internal double MemoryMs(MachineInfo machine) => Bytes / (machine.ReadGbPerS * 1e6);

    internal double ComputeMs(MachineInfo machine) => (Flops - BFloat16Flops + (BFloat16Flops / machine.BFloat16Gain)) / (machine.FmaGflopPerS * 1e6);

    /// <summary>Memory and arithmetic one after the other.</summary>
    internal double NoOverlapMs(MachineInfo machine) => MemoryMs(machine) + ComputeMs(machine);

    /// <summary>Memory and arithmetic at the same time.</summary>
    internal double StepMs(MachineInfo machine) => Math.Max(MemoryMs(machine), ComputeMs(machine));
}
