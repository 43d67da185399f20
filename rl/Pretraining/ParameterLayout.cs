namespace MegaInfer.Rl.Pretraining;

/// <summary>One parameter's place in the flat array of all parameters.</summary>
/// <param name="Name">Our name: <c>layers.N.part</c>, <c>embedding</c> or <c>final_norm</c>.</param>
/// <param name="Offset">First element.</param>
/// <param name="Shape">Dimensions, row-major.</param>
public sealed record ParameterSlot(string Name, int Offset, long[] Shape)
{
    /// <summary>Number of elements.</summary>
    public int Count { get; } = (int)Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>
/// All parameters in one flat array, matrices first, norm weights last, so that clearing, clipping, weight decay and AdamW are one pass
/// over memory. Immutable.
/// </summary>
public sealed class ParameterLayout
{
    private readonly Dictionary<string, ParameterSlot> _byName = [];

    /// <summary>Lays out a model of the given shape.</summary>
    public ParameterLayout(ModelShape shape)
    {
        Shape = shape;
        int heads = shape.QueryHeads * ModelShape.HeadSize;
        Add("embedding", shape.VocabularySize, shape.HiddenSize);
        for (int layer = 0; layer < shape.LayerCount; layer++)
        {
            Add($"layers.{layer}.joined", shape.JoinedSize, shape.HiddenSize); // rows of q, then k, then v
            Add($"layers.{layer}.output", shape.HiddenSize, heads);
            Add($"layers.{layer}.router", shape.ExpertCount, shape.HiddenSize);
            Add($"layers.{layer}.gate_up", shape.ExpertCount, 2 * shape.ExpertSize, shape.HiddenSize); // gate rows, then up rows
            Add($"layers.{layer}.down", shape.ExpertCount, shape.HiddenSize, shape.ExpertSize);
        }
        DecayedCount = Count;
        for (int layer = 0; layer < shape.LayerCount; layer++)
        {
            Add($"layers.{layer}.input_norm", shape.HiddenSize);
            Add($"layers.{layer}.query_norm", ModelShape.HeadSize);
            Add($"layers.{layer}.key_norm", ModelShape.HeadSize);
            Add($"layers.{layer}.expert_norm", shape.HiddenSize);
        }
        Add("final_norm", shape.HiddenSize);
    }

    /// <summary>The model's sizes.</summary>
    public ModelShape Shape { get; }

    /// <summary>Elements of all parameters.</summary>
    public int Count { get; private set; }

    /// <summary>Elements from the start that weight decay applies to.</summary>
    public int DecayedCount { get; }

    /// <summary>All slots in the order of memory.</summary>
    public IEnumerable<ParameterSlot> Slots => _byName.Values.OrderBy(slot => slot.Offset);

    /// <summary>The slot of a name.</summary>
    public ParameterSlot this[string name] => _byName[name];

    private void Add(string name, params long[] shape)
    {
        ParameterSlot slot = new(name, Count, shape);
        _byName.Add(name, slot);
        Count += slot.Count;
    }
}
