using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using MegaInfer.Rl.Tests.Oracle.Tiny;
using Xunit;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>The engine's plain reference and the oracle, which share no code, give the same logits for every family.</summary>
public sealed class FamilyAgreementTests(OracleCases cases)
{
    /// <summary>In standard deviations of the logits, with keys and values as they are computed.</summary>
    internal const double LargestDifference = 1e-3;

    /// <summary>The same, with keys and values rounded to bf16.</summary>
    internal const double LargestDifferenceInBFloat16 = 1e-2;

    // DBRX's other norms of the chosen weights: its code has them, no published model does, and the engine refuses them by name.
    private const string Refused = "dbrx_norm2";

    public static TheoryData<string> Variants() => [.. TinyModels.All.Where(variant => variant != Refused)];

    [Fact]
    public void Open_NormThatNoModelHas_IsRefusedByName()
    {
        CheckpointException refusal = Assert.Throws<CheckpointException>(() => Checkpoint.Open(cases[Refused].Folder).Dispose());
        Assert.Contains("moe_normalize_expert_weights", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Logits_KvInFloat32_AreTheReferences(string variant) => AssertAgree(variant, NumberType.Float32, LargestDifference);

    [Theory]
    [MemberData(nameof(Variants))]
    public void Logits_KvInBFloat16_AreTheReferences(string variant) => AssertAgree(variant, NumberType.BFloat16, LargestDifferenceInBFloat16);

    private void AssertAgree(string variant, NumberType kvType, double largestDifference)
    {
        OracleCase made = cases[variant];
        using Checkpoint checkpoint = Checkpoint.Open(made.Folder);
        float[][] rows = new ReferenceModel(checkpoint, kvType, NumberType.Float32).Logits(made.Tokens);
        float[,] logits = new float[rows.Length, rows[0].Length];
        for (int token = 0; token < rows.Length; token++)
            Buffer.BlockCopy(rows[token], 0, logits, token * rows[0].Length * sizeof(float), rows[0].Length * sizeof(float));
        Assert.Equal((made.Logits.GetLength(0), made.Logits.GetLength(1)), (logits.GetLength(0), logits.GetLength(1)));
        double distance = made.DistanceTo(logits);
        Assert.True(distance <= largestDifference, $"{variant}: {distance:E2} deviations");
    }
}
