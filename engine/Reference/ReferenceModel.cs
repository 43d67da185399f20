using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Requests;
using MegaInfer.Engine.Sampling;

namespace MegaInfer.Engine.Reference;

/// <summary>
/// The whole model, plainly, in one process: the definition of correct. Every operation follows the order of arithmetic in kernels/include/mk/mk.h, so its bits are those
/// of the served model on any CPU backend. Slow and readable; one row at a time; immutable once loaded, so any thread may call.
/// </summary>
public sealed class ReferenceModel
{
    private readonly NumberType _kvType;
    private readonly Embedding _embedding;
    private readonly DecoderLayer[] _layers;
    private readonly INorm _finalNorm;
    private readonly Linear _lmHead;

    /// <summary>Reads every weight, widened to fp32; the checkpoint is not needed afterwards.</summary>
    /// <param name="checkpoint">The model.</param>
    /// <param name="kvType">How keys and values are stored: Float32 or BFloat16.</param>
    /// <param name="weightType">Projections, experts and LM head as this type, as a node packs them (<see cref="Linear.Of"/>): BFloat16 rounds, quantised ones too, and the rows beside them; Int8 and Int4 quantise; Float32 keeps every value; null: each as it is stored.</param>
    public ReferenceModel(Checkpoint checkpoint, NumberType kvType, NumberType? weightType = null)
    {
        Spec = checkpoint.Spec;
        _kvType = kvType;
        TensorNames names = checkpoint.Names;
        var rope = new Rope(Spec.Rope, Spec.ContextLength);
        _embedding = new Embedding(checkpoint.Tensor(names.Embedding).ToFloat32(), Spec.HiddenSize);
        _layers = [.. Spec.Layers.Select((layer, index) => new DecoderLayer(Spec, layer, checkpoint.Layer(index), rope, weightType))];
        _finalNorm = INorm.Of(Spec, checkpoint.Tensor(names.FinalNorm).ToFloat32());
        _lmHead = Linear.Of(MatrixView.Whole(checkpoint.Tensor(names.LmHead)), weightType?.OfHead());
    }

    public ModelSpec Spec { get; }

    /// <summary>The logits after every token: [tokens][vocabulary].</summary>
    public float[][] Logits(ReadOnlySpan<int> tokens)
    {
        KvCache[] caches = NewCaches();
        float[][] logits = new float[tokens.Length][];
        for (int position = 0; position < tokens.Length; position++)
            logits[position] = LogitsOf(Forward(tokens[position], position, caches));
        return logits;
    }

    /// <summary>Generates as a served sequence would: same tokens, same log-probabilities.</summary>
    /// <exception cref="MegaInferException">The request is out of bounds, or the logits are broken.</exception>
    public ReferenceGeneration Generate(GenerationRequest request)
    {
        if (request.Validate(Spec) is { } problem)
            throw new MegaInferException(problem.Message);
        var state = new SamplingState(request, Spec);
        var sampler = new Sampler(Spec.VocabularySize);
        KvCache[] caches = NewCaches();
        List<int> tokens = [.. request.PromptTokens.Span, .. request.ResumedTokens.Span];
        var generated = new List<GeneratedToken>();
        FinishReason? end = EndOf(request, state, tokens);
        for (int position = 0; end is null; position++)
        {
            float[] hidden = Forward(tokens[position], position, caches);
            if (position + 1 < tokens.Count)
                continue; // the prompt's rows only fill the cache
            float[] logits = LogitsOf(hidden);
            int token = sampler.Sample(logits, state, tokens.Count);
            state.Add(token);
            tokens.Add(token);
            generated.Add(Describe(token, logits, request.TopLogProbs));
            end = EndOf(request, state, tokens);
        }

        return new ReferenceGeneration(generated, end.Value);
    }

    // token -> hidden [hidden]
    private float[] Forward(int token, int position, KvCache[] caches)
    {
        float[] hidden = _embedding.Forward(token);
        for (int layer = 0; layer < _layers.Length; layer++)
            _layers[layer].Forward(hidden, position, caches[layer]);
        return hidden;
    }

    // [hidden] -> [vocabulary]
    private float[] LogitsOf(float[] hidden) => _lmHead.Forward(_finalNorm.Forward(hidden));

    private KvCache[] NewCaches() => [.. _layers.Select(_ => new KvCache(Spec.Attention, _kvType))];

    private FinishReason? EndOf(GenerationRequest request, SamplingState state, List<int> tokens)
    {
        if (state.GeneratedCount > 0 && state.GeneratedCount >= request.MinTokens && state.IsStop(tokens[^1]))
            return FinishReason.Stop;
        return state.GeneratedCount >= request.MaxTokens || tokens.Count >= Spec.ContextLength ? FinishReason.Length : null;
    }

    private static GeneratedToken Describe(int token, float[] logits, int topCount)
    {
        double logSumExp = LogProbs.LogSumExp(logits);
        var top = new TokenLogProb[topCount];
        int count = LogProbs.Top(logits, logSumExp, top);
        return new GeneratedToken(token, LogProbs.Of(logits[token], logSumExp), default, top[..count]);
    }
}
