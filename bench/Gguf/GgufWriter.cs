using System.Runtime.InteropServices;
using System.Text;
using MegaInfer.Engine.Model;

namespace MegaInfer.Bench.Gguf;

/// <summary>
/// Writes a GGUF file, version 3, little-endian: magic, version, number of tensors and of metadata; the metadata; each tensor's name, shape, type and offset; then
/// the tensors, each at a multiple of the alignment counted from the first. The format is described in ggml's gguf.h.
/// </summary>
internal static class GgufWriter
{
    /// <summary>The format's own, where a file does not state another; bytes.</summary>
    public const int Alignment = 32;

    private const uint Magic = 0x46554747; // "GGUF"
    private const uint Version = 3;
    private const int BufferBytes = 1 << 20;

    /// <summary>Writes one file; an existing one is replaced. Numbers are rounded to nearest even.</summary>
    /// <exception cref="IOException">The disk is full or not writable.</exception>
    public static void Write(string path, GgufMetadata metadata, IReadOnlyList<GgufTensor> tensors, CancellationToken cancel = default)
    {
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, BufferBytes);
        using var file = new BinaryWriter(stream);
        file.Write(Magic);
        file.Write(Version);
        file.Write((ulong)tensors.Count);
        file.Write((ulong)metadata.Count);
        metadata.WriteTo(file);
        WriteTable(file, tensors);
        Align(file);
        foreach (GgufTensor tensor in tensors)
        {
            WriteData(file, tensor, cancel);
            Align(file);
        }
    }

    /// <summary>Length, then UTF-8.</summary>
    internal static void WriteText(BinaryWriter file, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        file.Write((ulong)bytes.Length);
        file.Write(bytes);
    }

    private static void WriteTable(BinaryWriter file, IReadOnlyList<GgufTensor> tensors)
    {
        long offset = 0;
        foreach (GgufTensor tensor in tensors)
        {
            WriteText(file, tensor.Name);
            file.Write((uint)tensor.Shape.Length);
            foreach (int dimension in tensor.Shape.Reverse())
                file.Write((ulong)dimension);
            file.Write((uint)tensor.Type);
            file.Write((ulong)offset);
            offset += (tensor.Bytes + Alignment - 1) / Alignment * Alignment;
        }
    }

    private static void WriteData(BinaryWriter file, GgufTensor tensor, CancellationToken cancel)
    {
        long written = 0;
        foreach (float[] part in tensor.Parts)
        {
            cancel.ThrowIfCancellationRequested();
            written += part.Length;
            file.Write(tensor.Type == GgufTensorType.Float32 ? MemoryMarshal.AsBytes(part.AsSpan()) : MemoryMarshal.AsBytes(Narrow(part).AsSpan()));
        }

        if (written != tensor.Elements)
            throw new InvalidOperationException($"{tensor.Name} gave {written} elements instead of {tensor.Elements}.");
    }

    private static ushort[] Narrow(float[] values)
    {
        ushort[] narrow = new ushort[values.Length];
        for (int i = 0; i < values.Length; i++)
            narrow[i] = BFloat16.FromSingle(values[i]);
        return narrow;
    }

    private static void Align(BinaryWriter file)
    {
        while (file.BaseStream.Position % Alignment != 0)
            file.Write((byte)0);
    }
}
