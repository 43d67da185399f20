using MegaInfer.Rl.Tests.Oracle.Families;
using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>
/// An independent forward pass of the families of mixture-of-experts models, written from their definitions with plain libtorch operations in
/// float32 on the stored weights. It shares no code with the engine, so that both are wrong alike only by a shared misreading. Not thread
/// safe.
/// </summary>
public sealed class TorchOracle : IDisposable
{
    private readonly OracleContext _context;
    private readonly OracleModel _model;
    private readonly bool _isTied;

    /// <summary>Reads config.json and the safetensors files of a Hugging Face folder.</summary>
    public TorchOracle(string modelFolder)
        : this(modelFolder, new HashSet<string>())
    {
    }

    /// <summary>The same, with mistakes: without the named features (<see cref="OracleFeature"/>).</summary>
    /// <exception cref="NotSupportedException">Another family, or a form of one that the oracle does not know.</exception>
    public TorchOracle(string modelFolder, IReadOnlySet<string> knockedOut)
        : this(modelFolder, knockedOut, roundsKv: false)
    {
    }

    internal TorchOracle(string modelFolder, IReadOnlySet<string> knockedOut, bool roundsKv)
    {
        UseOneThread();
        OracleConfig config = OracleConfig.Read(modelFolder);
        var features = new OracleFeatures(knockedOut);
        _context = new OracleContext(config, new OracleWeights(modelFolder, config, features), features, Trace) { RoundsKv = roundsKv };
        _model = OracleFamilies.Build(_context);
        _isTied = config.Flag("tie_word_embeddings", !_context.Weights.Has(_model.Head));
    }

    /// <summary>What the last pass showed of itself.</summary>
    public OracleTrace Trace { get; } = new();

    /// <summary>The features that the model has, known once a pass has been made with none knocked out.</summary>
    public IReadOnlySet<string> Features => _context.Features.Met;

    /// <summary>The logits after every token: [tokens, vocabulary].</summary>
    public float[,] Logits(int[] tokens)
    {
        UseOneThread();
        using IDisposable noGradient = torch.no_grad();
        using DisposeScope scope = torch.NewDisposeScope();
        Trace.Start(tokens.Length);
        torch.Tensor hidden = _context.Weights[_model.Embedding].index_select(0, torch.from_array(tokens.Select(id => (long)id).ToArray()));
        foreach (OracleLayer layer in _model.Layers)
        {
            hidden = hidden.Plus(layer.Attention.Forward(_model.Norm.Forward(hidden, layer.AttentionNorm)));
            hidden = hidden.Plus(layer.FeedForward.Forward(_model.Norm.Forward(hidden, layer.FeedForwardNorm)));
        }
        string head = _isTied ? _model.Embedding : _model.Head;
        torch.Tensor logits = _context.Project(_model.Norm.Forward(hidden, _model.FinalNorm), head).contiguous();
        float[,] result = new float[logits.shape[0], logits.shape[1]];
        Buffer.BlockCopy(logits.data<float>().ToArray(), 0, result, 0, result.Length * sizeof(float));
        return result;
    }

    public void Dispose() => _context.Weights.Dispose();

    // Operations this small gain nothing from more, and on a busy machine threads wait for each other. A setting of the calling thread.
    private static void UseOneThread() => torch.set_num_threads(1);
}
