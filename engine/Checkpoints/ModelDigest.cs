using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// One short text that says which model a folder holds; server and nodes compare it when a node joins. It covers every field of the <see cref="ModelSpec"/> and,
/// for every tensor of the model in name order, scales included, its name, type, shape and content. Content means all bytes of a tensor up to <see cref="WholeBytes"/> and, of a
/// larger one, <see cref="SampleCount"/> blocks of <see cref="SampleBytes"/> spread evenly from its first byte to its last. So every role, whatever it loads,
/// computes the same text by reading a few thousandths of a large model, however it is sharded; two trainings never agree, while a damaged byte in the middle of
/// a large tensor may go unseen: it identifies, it does not audit.
/// </summary>
public static class ModelDigest
{
    public const int WholeBytes = 1024 * 1024;
    public const int SampleCount = 4;
    public const int SampleBytes = 4096;

    /// <summary>Changes when the scheme does, so that different versions of this program never take each other's digests for their own.</summary>
    private const string Scheme = "megainfer-digest-2";

    /// <summary>32 hexadecimal digits, remembered in the user's cache folder.</summary>
    public static string Of(Checkpoint checkpoint) => Of(checkpoint, DigestCache.OfUser());

    /// <summary>32 hexadecimal digits. Taken from <paramref name="cache"/> where the folder's files are those of last time.</summary>
    public static string Of(Checkpoint checkpoint, DigestCache? cache)
    {
        if (cache is not null && checkpoint.Files.Sum(file => file.Length) < cache.LeastBytes)
            return Compute(checkpoint);
        string key = $"{Scheme}\n{FilesOf(checkpoint)}";
        if (cache?.Find(checkpoint.Folder, key) is { } known)
            return known;
        string digest = Compute(checkpoint);
        cache?.Store(checkpoint.Folder, key, digest);
        return digest;
    }

    private static string Compute(Checkpoint checkpoint)
    {
        var hash = new XxHash128();
        Append(hash, Scheme);
        Append(hash, Describe(checkpoint.Spec));
        byte[] buffer = new byte[64 * 1024];
        foreach (CheckpointTensor tensor in checkpoint.Tensors)
        {
            Append(hash, $"{tensor.Name} {tensor.StoredType.ShortName()} [{string.Join(", ", tensor.Shape)}]");
            AppendContent(hash, tensor, buffer);
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private static void AppendContent(XxHash128 hash, CheckpointTensor tensor, byte[] buffer)
    {
        if (tensor.StoredBytes <= WholeBytes)
        {
            AppendRange(hash, tensor, 0, tensor.StoredBytes, buffer);
            return;
        }

        for (int i = 0; i < SampleCount; i++)
            AppendRange(hash, tensor, (tensor.StoredBytes - SampleBytes) * i / (SampleCount - 1), SampleBytes, buffer);
    }

    private static void AppendRange(XxHash128 hash, CheckpointTensor tensor, long offset, long bytes, byte[] buffer)
    {
        // Read, not mapped: the pages belong to the system's cache, not to this process.
        for (long end = offset + bytes; offset < end;)
        {
            Span<byte> chunk = buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - offset));
            tensor.ReadBytes(offset, chunk);
            hash.Append(chunk);
            offset += chunk.Length;
        }
    }

    /// <summary>Length first, so that no two lists of texts run together to the same bytes.</summary>
    private static void Append(XxHash128 hash, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.Append(length);
        hash.Append(bytes);
    }

    /// <summary>A record's own text names every property, so that none is forgotten; only its lists must be spelt out.</summary>
    internal static string Describe(ModelSpec spec) =>
        $"{spec with { Layers = [], EosTokenIds = [] }} layers {string.Join(' ', spec.Layers)} end {string.Join(' ', spec.EosTokenIds)}";

    /// <summary>Path, size and time of every file that a checkpoint is read from: what is remembered of them is good as long as this is the same.</summary>
    public static string FilesOf(Checkpoint checkpoint)
    {
        string[] configs = [Path.Combine(checkpoint.Folder, ModelConfig.FileName), Path.Combine(checkpoint.Folder, ModelConfig.GenerationFileName)];
        IEnumerable<FileInfo> files = configs.Concat(checkpoint.Files.Select(file => file.Path)).Select(path => new FileInfo(path)).Where(file => file.Exists);
        return string.Join('\n', files.Select(file => $"{file.FullName} {file.Length} {file.LastWriteTimeUtc.Ticks}"));
    }
}
