using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints.Random;

/// <summary>Mean and spread of each tensor of a random model, by what it does.</summary>
internal sealed class RandomSpreads
{
    private const float AttentionLogitSpread = 2.5f;
    private const float RouterLogitSpread = 2f;
    private const float OutputLogitSpread = 3f;
    private const float NormSpread = 0.1f;
    private const float BiasSpread = 0.1f;
    private const float SinkSpread = 1f;

    private readonly Dictionary<string, (float Mean, float Spread)> _known = new(StringComparer.Ordinal);
    private readonly ModelSpec _spec;

    public RandomSpreads(ModelSpec spec)
    {
        _spec = spec;
        var names = new TensorNames(spec);
        float hidden = MathF.Sqrt(spec.HiddenSize);
        // A tied table must give output logits of a sane spread; what enters the first norm is rescaled there anyway.
        _known[names.Embedding] = (0, spec.HasTiedEmbeddings ? OutputLogitSpread / hidden : 1f);
        if (!spec.HasTiedEmbeddings)
            _known[names.LmHead] = (0, OutputLogitSpread / hidden);
        _known[names.FinalNorm] = (1, NormSpread);
        for (int layer = 0; layer < spec.LayerCount; layer++)
            AddLayer(names.Patterns, layer);
        if (spec.Weights.Quantized != NumberType.Float8E4M3)
            return;
        foreach (TensorSpec matrix in names.All().Where(tensor => tensor.Storage == TensorStorage.Projection))
            _known[TensorNames.ScalesOf(matrix).Name] = Of(matrix);
    }

    /// <summary>Not listed: a bias around 0, or a matrix that keeps the spread of its input.</summary>
    public (float Mean, float Spread) Of(TensorSpec tensor) =>
        _known.TryGetValue(tensor.Name, out (float, float) known) ? known : tensor.Shape.Length == 1 ? (0, BiasSpread) : (0, 1f / MathF.Sqrt(tensor.Shape[^1]));

    private void AddLayer(TensorPatterns patterns, int layer)
    {
        float hidden = MathF.Sqrt(_spec.HiddenSize);
        foreach (string norm in new[] { patterns.AttentionNorm, patterns.FfnNorm, patterns.QueryDownNorm, patterns.KvDownNorm })
            Add(norm, 1, NormSpread);
        Add(patterns.Router, 0, RouterLogitSpread / hidden);
        Add(patterns.Sinks, 0, SinkSpread);
        AddQueries(patterns, hidden);
        AddExperts(patterns.ExpertGate, _spec.HiddenSize);
        AddExperts(patterns.ExpertUp, _spec.HiddenSize);
        AddExperts(patterns.ExpertDown, _spec.Experts.Width);

        void Add(string pattern, float mean, float spread) => _known[TensorNames.Name(pattern, layer)] = (mean, spread);

        // Queries and keys share what makes logits wide: through their norms where they have any.
        void AddQueries(TensorPatterns patterns, float hidden)
        {
            if (_spec.Attention is LatentAttentionSpec latent)
            {
                Add(latent.QueryRank == 0 ? patterns.Query : patterns.QueryUp, 0, AttentionLogitSpread / (latent.QueryRank == 0 ? hidden : MathF.Sqrt(latent.QueryRank)));
                return;
            }

            bool isNormed = ((GroupedAttentionSpec)_spec.Attention).HeadNorm != HeadNorm.None;
            foreach (string norm in isNormed ? [patterns.QueryNorm, patterns.KeyNorm] : Array.Empty<string>())
                Add(norm, MathF.Sqrt(AttentionLogitSpread), NormSpread);
            foreach (string projection in isNormed ? [] : new[] { patterns.FusedQkv ?? patterns.Query, patterns.Key })
                Add(projection, 0, MathF.Sqrt(AttentionLogitSpread) / hidden);
        }

        // What experts share a tensor in need not end in their inputs.
        void AddExperts(ExpertPattern pattern, int inputs)
        {
            if (pattern.Stacking == ExpertStacking.None)
                return;
            Add(pattern.Name, 0, 1f / MathF.Sqrt(inputs));
            Add(ExpertTensorSpecs.ExponentsOf(pattern.Name), 0, 1f / MathF.Sqrt(inputs));
            if (pattern.Bias is not null)
                Add(pattern.Bias, 0, BiasSpread);
        }
    }
}
