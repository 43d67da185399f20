using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>Looks at every weight of a checkpoint by what it does.</summary>
internal static class LayerViews
{
    public static double Spread(float[] values) => Math.Sqrt(values.Average(value => (double)value * value));

    /// <summary>Every view has the shape that its block needs, and reads as finite numbers.</summary>
    public static void AssertShapes(Checkpoint checkpoint)
    {
        ModelSpec spec = checkpoint.Spec;
        for (int index = 0; index < spec.LayerCount; index++)
        {
            LayerTensors layer = checkpoint.Layer(index);
            AssertVector(spec.HiddenSize, layer.AttentionNorm());
            AssertVector(spec.HiddenSize, layer.FfnNorm());
            if (spec.Attention is LatentAttentionSpec latent)
                AssertLatent(latent, layer, spec.HiddenSize);
            else
                AssertGrouped((GroupedAttentionSpec)spec.Attention, layer, spec.HiddenSize);
            AssertMatrix(spec.HiddenSize, spec.Attention.OutputInputWidth, layer.Output());
            AssertVector(spec.Attention.HasOutputBias ? spec.HiddenSize : null, layer.OutputBias());
            AssertVector(spec.Attention.HasSinks ? spec.Attention.HeadCount : null, layer.Sinks());
            if (spec.Layers[index].IsDense)
                AssertFfn(spec.DenseWidth, spec.HiddenSize, false, layer.Dense());
            else
                AssertExperts(spec, layer);
        }
    }

    private static void AssertGrouped(GroupedAttentionSpec attention, LayerTensors layer, int hidden)
    {
        int width = attention.QueryWidth + (2 * attention.KvWidth);
        Assert.Equal(width, layer.Qkv().Sum(matrix => matrix.Rows));
        foreach (MatrixView matrix in layer.Qkv())
            AssertMatrix(matrix.Rows, hidden, matrix);
        AssertVector(attention.HasQkvBias ? width : null, layer.QkvBias());
        bool isWhole = attention.HeadNorm == HeadNorm.WholeRow;
        AssertVector(attention.HeadNorm == HeadNorm.None ? null : isWhole ? attention.QueryWidth : attention.HeadDim, layer.QueryNorm());
        AssertVector(attention.HeadNorm == HeadNorm.None ? null : isWhole ? attention.KvWidth : attention.HeadDim, layer.KeyNorm());
    }

    private static void AssertLatent(LatentAttentionSpec attention, LayerTensors layer, int hidden)
    {
        int inputs = attention.QueryRank == 0 ? hidden : attention.QueryRank;
        Assert.Equal(attention.QueryRank > 0, layer.QueryDown() is not null);
        if (layer.QueryDown() is { } down)
            AssertMatrix(attention.QueryRank, hidden, down);
        AssertVector(attention.QueryRank > 0 ? attention.QueryRank : null, layer.QueryDownNorm());
        AssertMatrix(attention.HeadCount * attention.QueryHeadDim, inputs, layer.QueryUp());
        AssertMatrix(attention.KvRank + attention.RopeDim, hidden, layer.KvDown());
        AssertVector(attention.KvRank, layer.KvDownNorm());
        for (int head = 0; head < attention.HeadCount; head++)
        {
            AssertMatrix(attention.KvRank, attention.NopeDim, layer.QueryAbsorb(head));
            AssertMatrix(attention.ValueHeadDim, attention.KvRank, layer.ValueUp(head));
        }
    }

    private static void AssertExperts(ModelSpec spec, LayerTensors layer)
    {
        int experts = spec.Router.ExpertCount;
        AssertMatrix(experts, spec.HiddenSize, layer.Router());
        AssertVector(spec.Router.HasBias ? experts : null, layer.RouterBias());
        AssertVector(spec.Router.HasCorrection ? experts : null, layer.RouterCorrection());
        for (int expert = 0; expert < experts; expert++)
            AssertFfn(spec.Experts.Width, spec.HiddenSize, spec.Experts.HasBias, layer.Expert(new ExpertId(expert)));
        Assert.Equal(spec.SharedExpert is not null, layer.SharedExpert() is not null);
        if (layer.SharedExpert() is { } shared)
            AssertFfn(spec.SharedExpert!.Width, spec.HiddenSize, false, shared);
        Assert.Equal(spec.SharedExpert is { HasGate: true }, layer.SharedExpertGate() is not null);
        if (layer.SharedExpertGate() is { } gate)
            AssertMatrix(1, spec.HiddenSize, gate);
    }

    private static void AssertFfn(int width, int hidden, bool hasBias, ExpertMatrices matrices)
    {
        AssertMatrix(width, hidden, matrices.Gate);
        AssertMatrix(width, hidden, matrices.Up);
        AssertMatrix(hidden, width, matrices.Down);
        AssertVector(hasBias ? width : null, matrices.GateBias);
        AssertVector(hasBias ? width : null, matrices.UpBias);
        AssertVector(hasBias ? hidden : null, matrices.DownBias);
    }

    private static void AssertMatrix(int rows, int columns, MatrixView matrix)
    {
        Assert.Equal((rows, columns), (matrix.Rows, matrix.Columns));
        Assert.DoesNotContain(matrix.ToFloat32(), value => !float.IsFinite(value));
    }

    private static void AssertVector(int? length, float[]? vector) => Assert.Equal(length, vector?.Length);
}
