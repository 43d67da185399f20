using System.Runtime.ExceptionServices;
using System.Text.Json;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints.Random;

/// <summary>
/// Writes a model of any shape with random weights as a Hugging Face folder: what tests and speed measurements run on. Streamed to disk, so it may be larger than
/// memory; deterministic by seed.
/// </summary>
public static class RandomCheckpoint
{
    /// <summary>Writes the folder, which must be new or empty.</summary>
    /// <param name="folder">Created if missing.</param>
    /// <param name="options">The shape.</param>
    /// <param name="progress">Told the bytes of weights written so far and in all; may be null.</param>
    /// <exception cref="MegaInferException">The folder holds something, the shape is impossible, or the disk refuses.</exception>
    public static void Write(string folder, RandomModelOptions options, IProgress<(long Written, long Total)>? progress = null)
    {
        if (!ModelFamilies.TryFind(options.Family, out ModelFamily? family))
            throw new MegaInferException($"Model family \"{options.Family}\" is not supported; supported: {ModelFamilies.Names}.");
        try
        {
            if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
                throw new MegaInferException($"The folder {folder} is not empty; name a new one for the random model.");
            Directory.CreateDirectory(folder);
            RandomConfigFiles.Write(folder, options, family);
            // Reading the config back checks the shape by the same rules as any other model's.
            ModelSpec spec = ModelConfig.Read(folder);
            if (RandomConfigFiles.HasTokenizer(options))
                ByteTokenizerFiles.Write(folder, options.VocabularySize);
            WriteWeights(folder, options, spec, progress);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new MegaInferException($"The random model cannot be written to {folder}: {exception.Message}", exception);
        }
    }

    private static void WriteWeights(string folder, RandomModelOptions options, ModelSpec spec, IProgress<(long Written, long Total)>? progress)
    {
        var weights = new RandomWeights(spec, options.Seed);
        string? textHead = TextHead.TensorOf(options, spec);
        List<List<TensorSpec>> shards = Split(Stored(spec), options, spec.Weights);
        long total = shards.Sum(shard => shard.Sum(tensor => spec.Weights.BytesOf(tensor)));
        long written = 0;
        SafetensorsWriter.Fill fill = (tensor, offset, values) =>
        {
            weights.Fill(tensor, offset, values);
            if (tensor.Name == textHead)
                TextHead.Clear(offset, values, spec.HiddenSize);
            long now = Interlocked.Add(ref written, spec.Weights.BytesOf(tensor) / tensor.Elements * values.Length);
            progress?.Report((now, total));
        };
        if (shards.Count == 1)
        {
            SafetensorsWriter.Write(Path.Combine(folder, ShardIndex.SingleFileName), shards[0], spec.Weights, fill);
            return;
        }

        WriteShards(folder, shards, spec.Weights, fill);
        WriteIndex(Path.Combine(folder, ShardIndex.IndexFileName), shards, total);
    }

    // Each number is a function of its place alone, so files may be written at the same time.
    private static void WriteShards(string folder, List<List<TensorSpec>> shards, WeightFormat format, SafetensorsWriter.Fill fill)
    {
        try
        {
            var limit = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
            Parallel.For(0, shards.Count, limit, i => SafetensorsWriter.Write(Path.Combine(folder, ShardName(i, shards.Count)), shards[i], format, fill));
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }
    }

    /// <summary>The model's tensors, and beside each FP8 matrix its scales.</summary>
    private static IEnumerable<TensorSpec> Stored(ModelSpec spec)
    {
        bool isFloat8 = spec.Weights.Quantized == NumberType.Float8E4M3;
        foreach (TensorSpec tensor in new TensorNames(spec).All())
        {
            yield return tensor;
            if (isFloat8 && tensor.Storage == TensorStorage.Projection)
                yield return TensorNames.ScalesOf(tensor);
        }
    }

    private static List<List<TensorSpec>> Split(IEnumerable<TensorSpec> tensors, RandomModelOptions options, WeightFormat format)
    {
        List<List<TensorSpec>> shards = [[]];
        long shardBytes = 0;
        foreach (TensorSpec tensor in tensors)
        {
            long bytes = format.BytesOf(tensor);
            if (options.ShardBytes > 0 && shardBytes > 0 && shardBytes + bytes > options.ShardBytes)
            {
                shards.Add([]);
                shardBytes = 0;
            }

            shards[^1].Add(tensor);
            shardBytes += bytes;
        }

        return shards;
    }

    private static string ShardName(int shard, int count) => $"model-{shard + 1:D5}-of-{count:D5}.safetensors";

    private static void WriteIndex(string path, List<List<TensorSpec>> shards, long totalBytes)
    {
        using FileStream stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", totalBytes);
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        for (int i = 0; i < shards.Count; i++)
        {
            foreach (TensorSpec tensor in shards[i])
                json.WriteString(tensor.Name, ShardName(i, shards.Count));
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
