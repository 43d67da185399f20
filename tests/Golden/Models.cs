using System.Collections.Concurrent;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using MegaInfer.Engine.Requests;
using MegaInfer.Rl.Tests.Oracle.Tiny;

namespace MegaInfer.Golden;

/// <summary>Tiny random-weight models of each family, and what the plain reference makes of the probes. Shared by all deployments of a run.</summary>
public sealed class Models : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("megainfer-golden-").FullName;
    private readonly ConcurrentDictionary<string, string> _folders = new();
    private readonly ConcurrentDictionary<(string Family, NumberType KvType, NumberType? WeightType), IReadOnlyList<Outcome>> _expected = new();

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>The folder of a family's model.</summary>
    internal string Folder(string family) => _folders.GetOrAdd(family, _ =>
    {
        string folder = Path.Combine(_root, family);
        if (family is "qwen3_moe" or "mixtral")
            RandomCheckpoint.Write(folder, Odd(family));
        else
            TinyModels.Write(family, folder, seed: 77);
        return folder;
    });

    // Odd sizes, so that every kernel meets its tails.
    private static RandomModelOptions Odd(string family) => new()
    {
        Family = family,
        HiddenSize = 72,
        LayerCount = 3,
        HeadCount = 6,
        KvHeadCount = 2,
        HeadDim = 20,
        ExpertCount = 11,
        ExpertsPerToken = 3,
        ExpertWidth = 44,
        VocabularySize = Probes.Vocabulary,
        ContextLength = 160,
        Seed = 77,
    };

    /// <summary>One outcome for each of <see cref="Probes.Compared"/>.</summary>
    internal IReadOnlyList<Outcome> Expected(string family, NumberType kvType, NumberType? weightType = null) => _expected.GetOrAdd((family, kvType, weightType), key =>
    {
        using Checkpoint checkpoint = Checkpoint.Open(Folder(key.Family));
        var model = new ReferenceModel(checkpoint, key.KvType, key.WeightType);
        return [.. Probes.Compared.Select(probe => Expected(model, probe))];
    });

    private static Outcome Expected(ReferenceModel model, GenerationRequest probe)
    {
        float[] logits = probe.PromptLogits ? [.. model.Logits(probe.PromptTokens.Span).SelectMany(row => row)] : [];
        return Outcome.Of(model.Generate(probe).Tokens, logits);
    }
}
