using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Writes .safetensors files whose numbers are produced on the way to the disk, so that a file may be larger than memory.</summary>
public static class SafetensorsWriter
{
    private const int ChunkElements = 256 * 1024;

    /// <summary>Produces elements <paramref name="offset"/> .. + length of a tensor, row-major, as float32.</summary>
    public delegate void Fill(TensorSpec tensor, long offset, Span<float> values);

    /// <summary>Writes one file; an existing one is replaced. Narrowing to <paramref name="type"/> rounds to nearest even.</summary>
    /// <exception cref="IOException">The disk is full or not writable.</exception>
    public static void Write(string path, IReadOnlyList<TensorSpec> tensors, NumberType type, Fill fill)
    {
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        WriteHeader(stream, tensors, type);
        float[] values = new float[ChunkElements];
        byte[] bytes = new byte[ChunkElements * type.Bytes()];
        foreach (TensorSpec tensor in tensors)
        {
            for (long offset = 0; offset < tensor.Elements; offset += ChunkElements)
            {
                Span<float> chunk = values.AsSpan(0, (int)Math.Min(ChunkElements, tensor.Elements - offset));
                fill(tensor, offset, chunk);
                Span<byte> narrowed = bytes.AsSpan(0, chunk.Length * type.Bytes());
                Narrow(chunk, type, narrowed);
                stream.Write(narrowed);
            }
        }
    }

    private static void WriteHeader(FileStream stream, IReadOnlyList<TensorSpec> tensors, NumberType type)
    {
        using var header = new MemoryStream();
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt"); // the hub's own loaders refuse files without it
            json.WriteEndObject();
            long offset = 0;
            foreach (TensorSpec tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", DtypeOf(type));
                json.WriteStartArray("shape");
                foreach (int dimension in tensor.Shape)
                    json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                offset += tensor.Elements * type.Bytes();
                json.WriteNumberValue(offset);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Spaces up to a multiple of 8, so that every tensor is aligned for its type.
        while (header.Length % 8 != 0)
            header.WriteByte((byte)' ');
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header.GetBuffer().AsSpan(0, (int)header.Length));
    }

    private static void Narrow(ReadOnlySpan<float> values, NumberType type, Span<byte> bytes)
    {
        switch (type)
        {
            case NumberType.Float32:
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                break;
            case NumberType.BFloat16:
                Span<ushort> bits = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < values.Length; i++)
                    bits[i] = BFloat16.FromSingle(values[i]);
                break;
            default:
                Span<Half> halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (int i = 0; i < values.Length; i++)
                    halves[i] = (Half)values[i];
                break;
        }
    }

    private static string DtypeOf(NumberType type) => type switch
    {
        NumberType.Float32 => "F32",
        NumberType.BFloat16 => "BF16",
        NumberType.Float16 => "F16",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };
}
