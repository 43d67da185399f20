namespace MegaInfer.Rl.Pretraining;

/// <summary>One tensor under its name on the hub.</summary>
/// <param name="Name">Such as <c>model.layers.0.mlp.gate.weight</c>.</param>
/// <param name="Shape">Dimensions, row-major.</param>
/// <param name="Values">Its elements.</param>
internal sealed record HubTensor(string Name, long[] Shape, ReadOnlyMemory<float> Values);

/// <summary>Cuts the flat parameters into the tensors, names and shapes of Qwen3-MoE on the hub.</summary>
internal static class HubTensors
{
    /// <summary>All tensors of the model; no <c>lm_head</c>, because embeddings are tied.</summary>
    public static List<HubTensor> Of(ParameterLayout layout, float[] parameters)
    {
        ModelShape shape = layout.Shape;
        List<HubTensor> tensors = [];
        int queries = shape.QueryHeads * ModelShape.HeadSize;
        int keys = shape.KeyValueHeads * ModelShape.HeadSize;

        void Add(string name, string slotName, int firstElement, params long[] dimensions)
        {
            int count = (int)dimensions.Aggregate(1L, (product, size) => product * size);
            tensors.Add(new HubTensor(name, dimensions, parameters.AsMemory(layout[slotName].Offset + firstElement, count)));
        }

        Add("model.embed_tokens.weight", "embedding", 0, shape.VocabularySize, shape.HiddenSize);
        for (int layer = 0; layer < shape.LayerCount; layer++)
        {
            string hub = $"model.layers.{layer}.";
            string ours = $"layers.{layer}.";
            Add(hub + "input_layernorm.weight", ours + "input_norm", 0, shape.HiddenSize);
            Add(hub + "self_attn.q_proj.weight", ours + "joined", 0, queries, shape.HiddenSize);
            Add(hub + "self_attn.k_proj.weight", ours + "joined", queries * shape.HiddenSize, keys, shape.HiddenSize);
            Add(hub + "self_attn.v_proj.weight", ours + "joined", (queries + keys) * shape.HiddenSize, keys, shape.HiddenSize);
            Add(hub + "self_attn.o_proj.weight", ours + "output", 0, shape.HiddenSize, queries);
            Add(hub + "self_attn.q_norm.weight", ours + "query_norm", 0, ModelShape.HeadSize);
            Add(hub + "self_attn.k_norm.weight", ours + "key_norm", 0, ModelShape.HeadSize);
            Add(hub + "post_attention_layernorm.weight", ours + "expert_norm", 0, shape.HiddenSize);
            Add(hub + "mlp.gate.weight", ours + "router", 0, shape.ExpertCount, shape.HiddenSize);
            int part = shape.ExpertSize * shape.HiddenSize;
            for (int e = 0; e < shape.ExpertCount; e++)
            {
                Add($"{hub}mlp.experts.{e}.gate_proj.weight", ours + "gate_up", 2 * e * part, shape.ExpertSize, shape.HiddenSize);
                Add($"{hub}mlp.experts.{e}.up_proj.weight", ours + "gate_up", ((2 * e) + 1) * part, shape.ExpertSize, shape.HiddenSize);
                Add($"{hub}mlp.experts.{e}.down_proj.weight", ours + "down", e * part, shape.HiddenSize, shape.ExpertSize);
            }
        }
        Add("model.norm.weight", "final_norm", 0, shape.HiddenSize);
        return tensors;
    }
}
