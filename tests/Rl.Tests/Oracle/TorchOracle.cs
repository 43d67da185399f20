using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>
/// An independent forward pass of Qwen3-MoE and Mixtral, written from the families' definitions with plain libtorch operations in
/// float32 on the stored weights. It shares no code with the engine, so that both are wrong alike only by a shared misreading. Not thread
/// safe.
/// </summary>
public sealed class TorchOracle
{
    // Scalars made on the fly may be collected while native code reads them.
    private static readonly Scalar One = 1;
    private static readonly Scalar LowestScore = float.NegativeInfinity;

    private readonly OracleConfig _config;
    private readonly OracleWeights _weights;
    private readonly Scalar _epsilon;
    private readonly Scalar _scoreScale;

    /// <summary>Reads config.json and the safetensors files of a Hugging Face folder.</summary>
    public TorchOracle(string modelFolder)
    {
        _config = new OracleConfig(modelFolder);
        _weights = new OracleWeights(modelFolder);
        _epsilon = _config.NormEpsilon;
        _scoreScale = 1 / Math.Sqrt(_config.HeadDim);
    }

    /// <summary>The logits after every token: [tokens, vocabulary].</summary>
    public float[,] Logits(int[] tokens)
    {
        using IDisposable noGradient = torch.no_grad();
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor hidden = _weights["model.embed_tokens.weight"].index_select(0, torch.from_array(tokens.Select(id => (long)id).ToArray()));
        for (int layer = 0; layer < _config.LayerCount; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            hidden = hidden.add(Attention(prefix + "self_attn.", Norm(hidden, prefix + "input_layernorm.weight")), One);
            hidden = hidden.add(Experts(prefix, Norm(hidden, prefix + "post_attention_layernorm.weight")), One);
        }
        torch.Tensor head = _weights[_weights.Has("lm_head.weight") ? "lm_head.weight" : "model.embed_tokens.weight"];
        torch.Tensor logits = Norm(hidden, "model.norm.weight").matmul(head.t()).contiguous();
        float[,] result = new float[logits.shape[0], logits.shape[1]];
        Buffer.BlockCopy(logits.data<float>().ToArray(), 0, result, 0, result.Length * sizeof(float));
        return result;
    }

    // x / sqrt(mean(x^2) + epsilon) * weight, over the last dimension
    private torch.Tensor Norm(torch.Tensor x, string weight)
    {
        torch.Tensor meanSquare = x.mul(x).mean([-1L], keepdim: true);
        return x.mul(meanSquare.add(_epsilon).rsqrt()).mul(_weights[weight]);
    }

    private torch.Tensor Attention(string prefix, torch.Tensor x)
    {
        long tokens = x.shape[0];
        torch.Tensor query = Project(x, prefix + "q_proj.weight").view(tokens, _config.HeadCount, _config.HeadDim);
        torch.Tensor key = Project(x, prefix + "k_proj.weight").view(tokens, _config.KvHeadCount, _config.HeadDim);
        torch.Tensor value = Project(x, prefix + "v_proj.weight").view(tokens, _config.KvHeadCount, _config.HeadDim);
        if (_config.IsQwen)
        {
            query = Norm(query, prefix + "q_norm.weight");
            key = Norm(key, prefix + "k_norm.weight");
        }
        query = Rotate(query).transpose(0, 1); // [heads, tokens, dim]
        int group = _config.HeadCount / _config.KvHeadCount;
        key = Rotate(key).repeat_interleave(group, dim: 1).transpose(0, 1);
        value = value.repeat_interleave(group, dim: 1).transpose(0, 1);
        torch.Tensor future = torch.ones([tokens, tokens], dtype: torch.@bool).triu(1);
        torch.Tensor scores = query.matmul(key.transpose(1, 2)).mul(_scoreScale).masked_fill(future, LowestScore);
        torch.Tensor mixed = scores.softmax(-1).matmul(value); // [heads, tokens, dim]
        return Project(mixed.transpose(0, 1).reshape(tokens, _config.HeadCount * _config.HeadDim), prefix + "o_proj.weight");
    }

    // x cos + rotate_half(x) sin, where rotate_half is (-second half, first half)
    private torch.Tensor Rotate(torch.Tensor x)
    {
        int tokens = (int)x.shape[0];
        int half = _config.HeadDim / 2;
        float[] cosines = new float[tokens * _config.HeadDim];
        float[] sines = new float[tokens * _config.HeadDim];
        for (int position = 0; position < tokens; position++)
        {
            for (int i = 0; i < _config.HeadDim; i++)
            {
                double angle = position * Math.Pow(_config.RopeTheta, -2.0 * (i % half) / _config.HeadDim);
                cosines[(position * _config.HeadDim) + i] = (float)Math.Cos(angle);
                sines[(position * _config.HeadDim) + i] = (float)Math.Sin(angle);
            }
        }
        torch.Tensor cosine = torch.from_array(cosines).view(tokens, 1, _config.HeadDim);
        torch.Tensor sine = torch.from_array(sines).view(tokens, 1, _config.HeadDim);
        torch.Tensor turned = torch.cat([x.narrow(2, half, half).neg(), x.narrow(2, 0, half)], 2);
        return x.mul(cosine).add(turned.mul(sine), One);
    }

    // Every expert computes every token; tokens that did not choose it have the weight 0.
    private torch.Tensor Experts(string prefix, torch.Tensor x)
    {
        string block = prefix + (_config.IsQwen ? "mlp." : "block_sparse_moe.");
        torch.Tensor probabilities = Project(x, block + "gate.weight").softmax(-1);
        (torch.Tensor chosen, torch.Tensor experts) = probabilities.topk(_config.ExpertsPerToken, -1);
        if (_config.IsRouterNormalised)
            chosen = chosen.div(chosen.sum(dim: -1L, keepdim: true));
        torch.Tensor weights = torch.zeros_like(probabilities).scatter(1, experts, chosen); // [tokens, experts]
        torch.Tensor result = torch.zeros_like(x);
        for (int expert = 0; expert < _config.ExpertCount; expert++)
        {
            string name = $"{block}experts.{expert}.";
            torch.Tensor gate = Project(x, name + (_config.IsQwen ? "gate_proj.weight" : "w1.weight"));
            torch.Tensor up = Project(x, name + (_config.IsQwen ? "up_proj.weight" : "w3.weight"));
            torch.Tensor inner = gate.mul(gate.sigmoid()).mul(up);
            torch.Tensor output = Project(inner, name + (_config.IsQwen ? "down_proj.weight" : "w2.weight"));
            result = result.add(output.mul(weights.narrow(1, expert, 1)), One);
        }
        return result;
    }

    private torch.Tensor Project(torch.Tensor x, string weight) => x.matmul(_weights[weight].t());
}
