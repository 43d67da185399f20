using System.Text.Json;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>What the oracle needs of a config.json, under the names the two families share or differ in.</summary>
internal sealed class OracleConfig
{
    /// <summary>Reads config.json of a Qwen3-MoE or Mixtral folder.</summary>
    /// <exception cref="NotSupportedException">Another family, or a variant outside both families' plain form.</exception>
    public OracleConfig(string folder)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "config.json")));
        JsonElement root = document.RootElement;
        string family = root.GetProperty("model_type").GetString()!;
        IsQwen = family switch
        {
            "qwen3_moe" => true,
            "mixtral" => false,
            _ => throw new NotSupportedException($"The oracle knows qwen3_moe and mixtral, not {family}."),
        };
        HiddenSize = root.GetProperty("hidden_size").GetInt32();
        LayerCount = root.GetProperty("num_hidden_layers").GetInt32();
        HeadCount = root.GetProperty("num_attention_heads").GetInt32();
        KvHeadCount = root.GetProperty("num_key_value_heads").GetInt32();
        HeadDim = Has(root, "head_dim") ? root.GetProperty("head_dim").GetInt32() : HiddenSize / HeadCount;
        ExpertCount = root.GetProperty(IsQwen ? "num_experts" : "num_local_experts").GetInt32();
        ExpertsPerToken = root.GetProperty("num_experts_per_tok").GetInt32();
        // Mixtral always divides by the sum of the chosen probabilities.
        IsRouterNormalised = !IsQwen || (Has(root, "norm_topk_prob") && root.GetProperty("norm_topk_prob").GetBoolean());
        NormEpsilon = root.GetProperty("rms_norm_eps").GetDouble();
        RopeTheta = root.GetProperty("rope_theta").GetDouble();
        if (Has(root, "rope_scaling") || (Has(root, "sliding_window") && !IsQwen))
            throw new NotSupportedException("The oracle has neither scaled rope nor a sliding window.");
        if (IsQwen && ((Has(root, "decoder_sparse_step") && root.GetProperty("decoder_sparse_step").GetInt32() != 1)
            || (Has(root, "mlp_only_layers") && root.GetProperty("mlp_only_layers").GetArrayLength() > 0)))
            throw new NotSupportedException("The oracle has no dense layers.");
    }

    public bool IsQwen { get; }

    public int HiddenSize { get; }

    public int LayerCount { get; }

    public int HeadCount { get; }

    public int KvHeadCount { get; }

    public int HeadDim { get; }

    public int ExpertCount { get; }

    public int ExpertsPerToken { get; }

    public bool IsRouterNormalised { get; }

    public double NormEpsilon { get; }

    public double RopeTheta { get; }

    private static bool Has(JsonElement root, string name) => root.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null;
}
