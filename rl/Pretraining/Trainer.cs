using MegaInfer.Rl.Pretraining.Functions;

namespace MegaInfer.Rl.Pretraining;

/// <summary>
/// The training loop's state: replicas, optimiser and step count. A step is a function of that state, the options and the step number
/// alone, so a run that was interrupted and resumed ends with the same bits. Used by one thread.
/// </summary>
internal sealed class Trainer : IDisposable
{
    private readonly PretrainingOptions _options;
    private readonly BatchSource _source;
    private readonly WorkerGroup _workers;
    private readonly Replica[] _replicas;
    private readonly AdamW _optimiser;
    private readonly float[] _losses;
    private Task<TokenBatch[]>? _next;

    /// <summary>Starts from the seed's initial weights.</summary>
    public Trainer(ParameterLayout layout, BatchSource source, PretrainingOptions options)
    {
        _options = options;
        _source = source;
        _workers = new WorkerGroup(options.Replicas);
        float[] values = ParameterInitialiser.Draw(layout, options.Seed);
        float balance = options.BalanceCoefficient / layout.Shape.LayerCount / options.Replicas;
        _replicas = [.. Enumerable.Range(0, options.Replicas).Select(_ => new Replica(layout, values, balance))];
        _optimiser = new AdamW(layout, _replicas, _workers);
        _losses = new float[options.Replicas];
    }

    /// <summary>Steps done.</summary>
    public int StepsDone { get; private set; }

    /// <summary>Tokens of the last step, all replicas.</summary>
    public int LastTokens { get; private set; }

    /// <summary>Does one step and returns the mean cross-entropy of its taught tokens.</summary>
    public float Step()
    {
        TokenBatch[] batches = (_next ?? Task.Run(() => _source.Draw(StepsDone))).GetAwaiter().GetResult();
        int following = StepsDone + 1;
        _next = Task.Run(() => _source.Draw(following));
        int taught = batches.Sum(batch => batch.Targets.Length);
        _workers.Run(r => _losses[r] = _replicas[r].Accumulate(batches[r], taught));
        _optimiser.Step(StepsDone, _options.LearningRateAt(StepsDone));
        StepsDone = following;
        LastTokens = batches.Sum(batch => batch.Ids.Length);
        return _losses.Sum() / taught;
    }

    /// <summary>A copy of the parameters, flat.</summary>
    public float[] CopyParameters() => _replicas[0].Parameters.Floats().ToArray();

    /// <summary>Writes step, parameters and moments; an interrupted write leaves the previous checkpoint.</summary>
    public void Save(string path)
    {
        string partial = path + ".partial";
        using (BinaryWriter writer = new(File.Create(partial)))
        {
            writer.Write(_options.Fingerprint());
            writer.Write(StepsDone);
            foreach (float[] values in new[] { CopyParameters(), _optimiser.FirstMoment, _optimiser.SecondMoment })
            {
                writer.Write(values.Length);
                writer.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));
            }
        }
        File.Move(partial, path, overwrite: true);
    }

    /// <summary>Continues from a checkpoint; refuses one of other options.</summary>
    /// <exception cref="InvalidDataException">The checkpoint belongs to another run.</exception>
    public void Load(string path)
    {
        using BinaryReader reader = new(File.OpenRead(path));
        if (reader.ReadString() != _options.Fingerprint())
            throw new InvalidDataException($"{path} was written by a run with other options; give the same options or start without --resume.");
        StepsDone = reader.ReadInt32();
        float[] parameters = new float[_optimiser.FirstMoment.Length];
        foreach (float[] values in new[] { parameters, _optimiser.FirstMoment, _optimiser.SecondMoment })
        {
            if (reader.ReadInt32() != values.Length)
                throw new InvalidDataException($"{path} holds a model of another shape.");
            reader.BaseStream.ReadExactly(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        }
        foreach (Replica replica in _replicas)
            parameters.CopyTo(replica.Parameters.Floats());
        _next = null;
    }

    /// <summary>Ends the replica threads.</summary>
    public void Dispose()
    {
        _next?.Wait();
        _workers.Dispose();
    }
}
