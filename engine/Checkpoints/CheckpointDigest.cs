using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// One short name for what a checkpoint holds, so that server and nodes can tell whether they read the same one. SHA-256 over config.json and, for every weight
/// file in name order, its name, its length and its data: all of them up to a limit, beyond it a fixed pattern of samples that includes
/// the header, so that joining a large model does not read it twice.
/// </summary>
public static class CheckpointDigest
{
    private const long WholeBytes = 64L << 20;
    private const int SampleBytes = 64 << 10;
    private const long SampleStride = 32L << 20;

    /// <summary>64 hexadecimal digits.</summary>
    /// <exception cref="CheckpointException">A file cannot be read.</exception>
    public static string Of(Checkpoint checkpoint)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var config = new MappedFile(Path.Combine(checkpoint.Folder, ModelConfig.FileName)))
            Append(hash, config);
        foreach (MappedFile file in checkpoint.Files)
            Append(hash, file);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, MappedFile file)
    {
        byte[] buffer = new byte[SampleBytes];
        hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(file.Path)));
        BinaryPrimitives.WriteInt64LittleEndian(buffer, file.Length);
        hash.AppendData(buffer, 0, sizeof(long));
        long stride = file.Length <= WholeBytes ? SampleBytes : SampleStride;
        for (long offset = 0; offset < file.Length; offset += stride)
        {
            int count = (int)Math.Min(SampleBytes, file.Length - offset);
            file.Read(offset, buffer.AsSpan(0, count));
            hash.AppendData(buffer, 0, count);
        }
    }
}
