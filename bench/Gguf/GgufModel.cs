using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Bench.Gguf;

/// <summary>A checkpoint as a bf16 GGUF file: matrices bf16, norms and routers fp32, tokenizer and chat template included, so that llama.cpp and its kin can serve it.</summary>
internal sealed class GgufModel
{
    /// <summary>LLAMA_FTYPE_MOSTLY_BF16.</summary>
    private const int MostlyBFloat16 = 32;

    private readonly Checkpoint _checkpoint;
    private readonly GgufFamily _family;

    private GgufModel(Checkpoint checkpoint)
    {
        _checkpoint = checkpoint;
        _family = GgufFamily.Of(checkpoint.Spec);
    }

    /// <summary>Writes the file; an existing one is replaced, and none is left where writing fails.</summary>
    /// <exception cref="MegaInferException">The model is none that can be exported, or the disk refuses.</exception>
    public static void Export(string checkpointFolder, string path, CancellationToken cancel = default)
    {
        using Checkpoint checkpoint = Checkpoint.Open(checkpointFolder);
        var model = new GgufModel(checkpoint);
        GgufMetadata metadata = model.Metadata();
        GgufTokenizer.AddTo(metadata, checkpoint.Folder, checkpoint.Spec.VocabularySize);
        string unfinished = $"{path}.{Environment.ProcessId}.part";
        try
        {
            GgufWriter.Write(unfinished, metadata, [.. model.Tensors()], cancel);
            File.Move(unfinished, path, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new MegaInferException($"{path} cannot be written: {failure.Message}", failure);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private GgufMetadata Metadata()
    {
        ModelSpec spec = _checkpoint.Spec;
        string architecture = _family.Architecture;
        var metadata = new GgufMetadata();
        metadata.Add("general.architecture", architecture);
        metadata.Add("general.type", "model");
        metadata.Add("general.name", Path.GetFileName(Path.TrimEndingDirectorySeparator(_checkpoint.Folder)));
        metadata.Add("general.file_type", MostlyBFloat16);
        metadata.Add($"{architecture}.vocab_size", spec.VocabularySize);
        metadata.Add($"{architecture}.context_length", spec.ContextLength);
        metadata.Add($"{architecture}.embedding_length", spec.HiddenSize);
        metadata.Add($"{architecture}.block_count", spec.LayerCount);
        metadata.Add($"{architecture}.feed_forward_length", spec.Experts.Width);
        metadata.Add($"{architecture}.expert_feed_forward_length", spec.Experts.Width);
        metadata.Add($"{architecture}.expert_count", spec.Router.ExpertCount);
        metadata.Add($"{architecture}.expert_used_count", spec.Router.ExpertsPerToken);
        metadata.Add($"{architecture}.attention.head_count", spec.Attention.HeadCount);
        metadata.Add($"{architecture}.attention.head_count_kv", spec.Attention.KvHeadCount);
        metadata.Add($"{architecture}.attention.key_length", spec.Attention.KeyDim);
        metadata.Add($"{architecture}.attention.value_length", spec.Attention.ValueDim);
        metadata.Add($"{architecture}.attention.layer_norm_rms_epsilon", spec.NormEpsilon);
        metadata.Add($"{architecture}.rope.dimension_count", spec.Rope.RotaryDim);
        metadata.Add($"{architecture}.rope.freq_base", spec.Rope.Theta);
        return metadata;
    }

    private IEnumerable<GgufTensor> Tensors()
    {
        yield return GgufTensor.OfMatrix("token_embd.weight", Whole(_checkpoint.Names.Embedding));
        for (int layer = 0; layer < _checkpoint.Spec.LayerCount; layer++)
        {
            foreach (GgufTensor tensor in OfLayer(layer))
                yield return tensor;
        }

        yield return GgufTensor.OfVector("output_norm.weight", _checkpoint.Tensor(_checkpoint.Names.FinalNorm).ToFloat32());
        if (!_checkpoint.Spec.HasTiedEmbeddings)
            yield return GgufTensor.OfMatrix("output.weight", Whole(_checkpoint.Names.LmHead));
    }

    private IEnumerable<GgufTensor> OfLayer(int index)
    {
        LayerTensors layer = _checkpoint.Layer(index);
        IReadOnlyList<MatrixView> qkv = layer.Qkv();
        yield return GgufTensor.OfVector(Name("attn_norm"), layer.AttentionNorm());
        yield return Rotating(Name("attn_q"), qkv[0]);
        yield return Rotating(Name("attn_k"), qkv[1]);
        yield return GgufTensor.OfMatrix(Name("attn_v"), qkv[2]);
        yield return GgufTensor.OfMatrix(Name("attn_output"), layer.Output());
        if (layer.QueryNorm() is { } queryNorm)
            yield return GgufTensor.OfVector(Name("attn_q_norm"), queryNorm);
        if (layer.KeyNorm() is { } keyNorm)
            yield return GgufTensor.OfVector(Name("attn_k_norm"), keyNorm);
        yield return GgufTensor.OfVector(Name("ffn_norm"), layer.FfnNorm());
        yield return GgufTensor.OfMatrix(Name("ffn_gate_inp"), layer.Router(), GgufTensorType.Float32);
        ExpertMatrices[] experts = [.. Enumerable.Range(0, _checkpoint.Spec.Router.ExpertCount).Select(expert => layer.Expert(new ExpertId(expert)))];
        yield return GgufTensor.OfStack(Name("ffn_gate_exps"), [.. experts.Select(expert => expert.Gate)]);
        yield return GgufTensor.OfStack(Name("ffn_up_exps"), [.. experts.Select(expert => expert.Up)]);
        yield return GgufTensor.OfStack(Name("ffn_down_exps"), [.. experts.Select(expert => expert.Down)]);

        string Name(string what) => $"blk.{index}.{what}.weight";
    }

    private GgufTensor Rotating(string name, MatrixView matrix)
    {
        GgufTensor tensor = GgufTensor.OfMatrix(name, matrix);
        return _family.RotatesNeighbours ? tensor with { Parts = Reordered(matrix, _checkpoint.Spec.Attention.KeyDim) } : tensor;
    }

    private static IEnumerable<float[]> Reordered(MatrixView matrix, int headDim)
    {
        yield return RotaryRows.ToNeighbours(matrix.ToFloat32(), matrix.Columns, headDim);
    }

    private MatrixView Whole(string name) => MatrixView.Whole(_checkpoint.Tensor(name));
}
