using MegaInfer.Rl.Evaluation;
using MegaInfer.Rl.Tasks;

namespace MegaInfer.Rl.Pretraining;

/// <summary>Writes pretraining.json beside the weights: everything the run depended on, and what it scored on the test part.</summary>
internal static class PretrainingRecord
{
    /// <summary>Writes the record; scores are shares of exact answers (hard classes: one sample at temperature 1).</summary>
    public static void Write(string folder, PretrainingOptions options, LateShares late, int parameterCount, ValidationScore score) =>
        ModelFolder.WriteJson(folder, "pretraining.json", new Dictionary<string, object>
        {
            ["seed"] = options.Seed,
            ["steps"] = options.Steps,
            ["tokens_per_step"] = options.TokensPerStep,
            ["replicas"] = options.Replicas,
            ["learning_rate"] = options.LearningRate,
            ["warm_up_steps"] = options.WarmUpSteps,
            ["final_learning_rate_share"] = options.FinalShare,
            ["balance_coefficient"] = Math.Round(options.BalanceCoefficient, 6),
            ["late_shares"] = new
            {
                from = late.From,
                long_addition = late.LongAddition,
                long_subtraction = late.LongSubtraction,
                long_product = late.LongProduct,
                three_operands = late.ThreeOperands,
            },
            ["parameters"] = parameterCount,
            ["test"] = score.Exact.ToDictionary(entry => entry.Key.ToString(), entry => Math.Round(entry.Value, 4)),
            ["small_talk"] = Math.Round(score.Talk, 4),
            ["expert_shares_by_layer"] = score.ExpertShares.Select(layer => new { least = Math.Round(layer.Least, 3), largest = Math.Round(layer.Largest, 3) }),
        });
}
