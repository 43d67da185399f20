using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>One layer, in the order in which a row meets its blocks.</summary>
internal sealed class DecoderLayer
{
    private readonly INorm _attentionNorm;
    private readonly IAttention _attention;
    private readonly Linear _output;
    private readonly INorm _ffnNorm;
    private readonly RoutedExperts? _routed; // null in a dense layer
    private readonly SharedExpert? _shared;

    public DecoderLayer(ModelSpec spec, LayerSpec layer, LayerTensors tensors, Rope rope, NumberType? type)
    {
        _attentionNorm = INorm.Of(spec, tensors.AttentionNorm());
        _attention = IAttention.Of(spec, tensors, layer.Window, rope, type);
        _output = Linear.Of(tensors.Output(), type, tensors.OutputBias());
        _ffnNorm = INorm.Of(spec, tensors.FfnNorm());
        _routed = layer.IsDense ? null : RoutedExperts.Of(spec, tensors, type);
        _shared = SharedExpert.Of(tensors, layer.IsDense, type);
    }

    /// <summary>hidden [hidden], in place. The cache grows by this position.</summary>
    public void Forward(float[] hidden, int position, KvCache cache)
    {
        Attend(hidden, position, cache);
        VisitExperts(hidden);
    }

    private void Attend(float[] hidden, int position, KvCache cache)
    {
        float[] attended = _output.Forward(_attention.Forward(_attentionNorm.Forward(hidden), position, cache));
        for (int i = 0; i < hidden.Length; i++)
            hidden[i] = attended[i] + hidden[i];
    }

    private void VisitExperts(float[] hidden)
    {
        float[] normed = _ffnNorm.Forward(hidden);
        List<(float Weight, float[] Row)> results = [];
        if (_routed is not null)
            results.AddRange(_routed.Forward(normed));
        if (_shared is not null)
            results.Add(_shared.Forward(normed));
        Combine.Forward(hidden, results);
    }
}
