using MegaInfer.Bench.Gguf;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Bench.Tests.Gguf;

public sealed class GgufModelTests
{
    [Theory]
    [InlineData("qwen3_moe", "qwen3moe", NumberType.BFloat16, false)]
    [InlineData("qwen3_moe", "qwen3moe", NumberType.Float32, true)]
    [InlineData("mixtral", "llama", NumberType.BFloat16, false)]
    [InlineData("mixtral", "llama", NumberType.Float16, true)]
    public void Export_AnyModel_HasItsShapeAndItsNumbers(string family, string architecture, NumberType type, bool tied)
    {
        using var folder = new TemporaryFolder();
        var options = new RandomModelOptions { Family = family, NumberType = type, HasTiedEmbeddings = tied, LayerCount = 2, ExpertCount = 4 };
        RandomCheckpoint.Write(folder["model"], options);
        GgufModel.Export(folder["model"], folder["file"], TestContext.Current.CancellationToken);
        GgufFile file = GgufFile.Read(folder["file"]);
        using Checkpoint checkpoint = Checkpoint.Open(folder["model"]);

        Assert.Equal(architecture, file.Metadata["general.architecture"]);
        Assert.Equal(32u, file.Metadata["general.file_type"]);
        foreach ((string key, int expected) in new[]
        {
            ("block_count", 2), ("context_length", 512), ("embedding_length", 64), ("expert_feed_forward_length", 48), ("expert_count", 4), ("expert_used_count", 2),
            ("attention.head_count", 4), ("attention.head_count_kv", 2), ("attention.key_length", 16), ("attention.value_length", 16), ("rope.dimension_count", 16), ("vocab_size", 512),
        })
            Assert.Equal((uint)expected, file.Metadata[$"{architecture}.{key}"]);
        Assert.Equal(checkpoint.Spec.NormEpsilon, file.Metadata[$"{architecture}.attention.layer_norm_rms_epsilon"]);
        Assert.Equal(10_000f, file.Metadata[$"{architecture}.rope.freq_base"]);

        int headNorms = family == "qwen3_moe" ? 2 : 0;
        Assert.Equal((tied ? 2 : 3) + (2 * (10 + headNorms)), file.Tensors.Count);
        Assert.Equal(!tied, file.Tensors.Any(tensor => tensor.Name == "output.weight"));
        Assert.Equal(Narrow(checkpoint.Tensor(checkpoint.Names.Embedding).ToFloat32()), file.Values("token_embd.weight"));
        for (int layer = 0; layer < 2; layer++)
            CheckLayer(file, checkpoint.Layer(layer), $"blk.{layer}", isReordered: family == "mixtral");
    }

    [Theory]
    [InlineData("deepseek_v3", "\"deepseek_v3\" cannot be exported")]
    [InlineData("gpt_oss", "\"gpt_oss\" cannot be exported")]
    [InlineData("qwen3_moe", "router is not a plain normalised softmax")]
    [InlineData("mixtral", "sliding window")]
    public void Export_WhatGgmlDoesNotCompute_IsRefusedByName(string family, string expected)
    {
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(folder["model"], new RandomModelOptions { Family = family, IsRouterNormalized = false, Window = family == "mixtral" ? 64 : 0 });

        MegaInferException refusal = Assert.Throws<MegaInferException>(() => GgufModel.Export(folder["model"], folder["file"], TestContext.Current.CancellationToken));

        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["file"]));
    }

    private static void CheckLayer(GgufFile file, LayerTensors layer, string prefix, bool isReordered)
    {
        IReadOnlyList<MatrixView> qkv = layer.Qkv();
        Assert.Equal(layer.AttentionNorm(), file.Values($"{prefix}.attn_norm.weight"));
        foreach ((string name, MatrixView matrix) in new[] { ("attn_q", qkv[0]), ("attn_k", qkv[1]) })
        {
            float[] expected = Narrow(matrix.ToFloat32());
            Assert.Equal(isReordered ? RotaryRows.ToNeighbours(expected, matrix.Columns, headDim: 16) : expected, file.Values($"{prefix}.{name}.weight"));
        }

        Assert.Equal(Narrow(qkv[2].ToFloat32()), file.Values($"{prefix}.attn_v.weight"));
        Assert.Equal(Narrow(layer.Output().ToFloat32()), file.Values($"{prefix}.attn_output.weight"));
        Assert.Equal(layer.Router().ToFloat32(), file.Values($"{prefix}.ffn_gate_inp.weight"));
        Assert.Equal([48L, 64, 4], file.Tensors.Single(tensor => tensor.Name == $"{prefix}.ffn_down_exps.weight").Dimensions);
        Assert.Equal([64L, 48, 4], file.Tensors.Single(tensor => tensor.Name == $"{prefix}.ffn_up_exps.weight").Dimensions);
        ExpertMatrices[] experts = [.. Enumerable.Range(0, 4).Select(expert => layer.Expert(new ExpertId(expert)))];
        Assert.Equal(Narrow([.. experts.SelectMany(expert => expert.Gate.ToFloat32())]), file.Values($"{prefix}.ffn_gate_exps.weight"));
        Assert.Equal(Narrow([.. experts.SelectMany(expert => expert.Up.ToFloat32())]), file.Values($"{prefix}.ffn_up_exps.weight"));
        Assert.Equal(Narrow([.. experts.SelectMany(expert => expert.Down.ToFloat32())]), file.Values($"{prefix}.ffn_down_exps.weight"));
    }

    private static float[] Narrow(float[] values) => [.. values.Select(BFloat16.Round)];
}
