using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>One layer, in the order in which a row meets its blocks.</summary>
internal sealed class DecoderLayer
{
    private readonly RmsNorm _attentionNorm;
    private readonly Linear _query;
    private readonly Linear _key;
    private readonly Linear _value;
    private readonly RmsNorm? _queryNorm;
    private readonly RmsNorm? _keyNorm;
    private readonly Rope _rope;
    private readonly Attention _attention;
    private readonly Linear _output;
    private readonly RmsNorm _ffnNorm;
    private readonly Linear _router;
    private readonly Gate _gate;
    private readonly Expert[] _experts;

    public DecoderLayer(Checkpoint checkpoint, int layer, Rope rope, NumberType type)
    {
        ModelSpec spec = checkpoint.Spec;
        TensorNames names = checkpoint.Names;
        _attentionNorm = Norm(names.AttentionNorm(layer));
        _query = Project(names.Query(layer));
        _key = Project(names.Key(layer));
        _value = Project(names.Value(layer));
        var attention = (GroupedAttentionSpec)spec.Attention;
        if (attention.HeadNorm != HeadNorm.None)
        {
            _queryNorm = Norm(names.QueryNorm(layer));
            _keyNorm = Norm(names.KeyNorm(layer));
        }

        _rope = rope;
        _attention = new Attention(attention);
        _output = Project(names.Output(layer));
        _ffnNorm = Norm(names.FfnNorm(layer));
        _router = new Linear(checkpoint.Tensor(names.Router(layer)), NumberType.Float32); // routers are never narrowed
        _gate = new Gate(spec.Router);
        _experts =
        [
            .. Enumerable.Range(0, spec.Router.ExpertCount).Select(value => new ExpertId(value)).Select(expert => new Expert(
                Project(names.ExpertGate(layer, expert)), Project(names.ExpertUp(layer, expert)), Project(names.ExpertDown(layer, expert)))),
        ];

        RmsNorm Norm(string name) => new(checkpoint.Tensor(name).ToFloat32(), spec.NormEpsilon);
        Linear Project(string name) => new(checkpoint.Tensor(name), type);
    }

    /// <summary>hidden [hidden], in place. The cache grows by this position.</summary>
    public void Forward(float[] hidden, int position, KvCache cache)
    {
        Attend(hidden, position, cache);
        VisitExperts(hidden);
    }

    private void Attend(float[] hidden, int position, KvCache cache)
    {
        float[] normed = _attentionNorm.Forward(hidden);
        float[] queries = _query.Forward(normed);
        float[] keys = _key.Forward(normed);
        queries = _queryNorm?.Forward(queries) ?? queries;
        keys = _keyNorm?.Forward(keys) ?? keys;
        _rope.Forward(queries, position);
        _rope.Forward(keys, position);
        cache.Append(keys, _value.Forward(normed));
        float[] attended = _output.Forward(_attention.Forward(queries, cache));
        for (int i = 0; i < hidden.Length; i++)
            hidden[i] = attended[i] + hidden[i];
    }

    private void VisitExperts(float[] hidden)
    {
        float[] normed = _ffnNorm.Forward(hidden);
        (ExpertId Expert, float Weight)[] routing = _gate.Forward(_router.Forward(normed));
        (float Weight, float[] Row)[] results = [.. routing.Select(route => (route.Weight, _experts[route.Expert.Value].Forward(normed)))];
        Combine.Forward(hidden, results);
    }
}
