using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace MegaInfer.Rl.Pretraining;

/// <summary>Writes a safetensors file in bfloat16: 8 bytes of header length, a JSON header, then the tensors end to end.</summary>
internal static class SafeTensorsWriter
{
    private const int HeaderAlignment = 64;

    /// <summary>Writes beside the target first, so that an interrupted write leaves no half file.</summary>
    public static void Write(string path, IReadOnlyList<HubTensor> tensors)
    {
        Dictionary<string, object> header = new() { ["__metadata__"] = new Dictionary<string, string> { ["format"] = "pt" } };
        long offset = 0;
        foreach (HubTensor tensor in tensors)
        {
            long end = offset + (2 * tensor.Values.Length);
            header.Add(tensor.Name, new { dtype = "BF16", shape = tensor.Shape, data_offsets = new[] { offset, end } });
            offset = end;
        }
        byte[] text = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(header));
        int padded = (text.Length + 8 + HeaderAlignment - 1) / HeaderAlignment * HeaderAlignment - 8;
        string partial = path + ".partial";
        using (FileStream file = File.Create(partial))
        {
            byte[] length = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, padded);
            file.Write(length);
            file.Write(text);
            file.Write(Encoding.ASCII.GetBytes(new string(' ', padded - text.Length)));
            foreach (HubTensor tensor in tensors)
                file.Write(Bytes(tensor.Values.Span));
        }
        File.Move(partial, path, overwrite: true);
    }

    private static byte[] Bytes(ReadOnlySpan<float> values)
    {
        byte[] bytes = new byte[2 * values.Length];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2 * i), Bfloat16.BitsOf(values[i]));
        return bytes;
    }
}
