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
    public static void Write(string path, IReadOnlyList<TensorSpec> tensors, NumberType type, Fill fill) => Write(path, tensors, new WeightFormat(type), fill);

    /// <summary>
    /// As above, with projections in the format's own type: FP8 rounds what is produced to the nearest code, and the scales are tensors like any other. Bytes are produced
    /// as the numbers 0..255.
    /// </summary>
    /// <exception cref="IOException">The disk is full or not writable.</exception>
    public static void Write(string path, IReadOnlyList<TensorSpec> tensors, WeightFormat format, Fill fill)
    {
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        WriteHeader(stream, tensors, format);
        float[] values = new float[ChunkElements];
        byte[] bytes = new byte[ChunkElements * sizeof(float)];
        foreach (TensorSpec tensor in tensors)
        {
            string dtype = DtypeOf(tensor, format);
            int width = (int)(format.BytesOf(tensor) / tensor.Elements);
            for (long offset = 0; offset < tensor.Elements; offset += ChunkElements)
            {
                Span<float> chunk = values.AsSpan(0, (int)Math.Min(ChunkElements, tensor.Elements - offset));
                fill(tensor, offset, chunk);
                Span<byte> narrowed = bytes.AsSpan(0, chunk.Length * width);
                Narrow(chunk, dtype, narrowed);
                stream.Write(narrowed);
            }
        }
    }

    private static void WriteHeader(FileStream stream, IReadOnlyList<TensorSpec> tensors, WeightFormat format)
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
                json.WriteString("dtype", DtypeOf(tensor, format));
                json.WriteStartArray("shape");
                foreach (int dimension in tensor.Shape)
                    json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                offset += format.BytesOf(tensor);
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

    private static void Narrow(ReadOnlySpan<float> values, string dtype, Span<byte> bytes)
    {
        switch (dtype)
        {
            case "F32":
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                break;
            case "BF16":
                Span<ushort> bits = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < values.Length; i++)
                    bits[i] = BFloat16.FromSingle(values[i]);
                break;
            case "F16":
                Span<Half> halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (int i = 0; i < values.Length; i++)
                    halves[i] = (Half)values[i];
                break;
            case "F8_E4M3":
                for (int i = 0; i < values.Length; i++)
                    bytes[i] = SmallFloats.ToE4M3(values[i]);
                break;
            default:
                for (int i = 0; i < values.Length; i++)
                    bytes[i] = (byte)values[i];
                break;
        }
    }

    private static string DtypeOf(TensorSpec tensor, WeightFormat format) => tensor.Storage switch
    {
        TensorStorage.MxFloat4Pairs or TensorStorage.Exponents => "U8",
        TensorStorage.Scales => "F32",
        TensorStorage.Projection when format.Quantized == NumberType.Float8E4M3 => "F8_E4M3",
        _ => format.PlainType switch
        {
            NumberType.Float32 => "F32",
            NumberType.BFloat16 => "BF16",
            NumberType.Float16 => "F16",
            _ => throw new ArgumentOutOfRangeException(nameof(format)),
        },
    };
}
