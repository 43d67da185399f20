using System.Text;
using System.Text.Json;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>Changes what a safetensors file says of its tensors; the data stay.</summary>
internal static class Headers
{
    public static void Rewrite(string path, Func<string, string> change)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int length = (int)BitConverter.ToInt64(bytes);
        string header = Encoding.UTF8.GetString(bytes, 8, length);
        string changed = change(header);
        Assert.NotEqual(header, changed);
        byte[] text = Encoding.UTF8.GetBytes(changed);
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)text.Length), .. text, .. bytes.AsSpan(8 + length)]);
    }

    /// <summary>Flips a bit in the data of one tensor.</summary>
    public static void ChangeByteOf(string path, string tensor)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int length = (int)BitConverter.ToInt64(bytes);
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(8, length));
        int offset = header.RootElement.GetProperty(tensor).GetProperty("data_offsets")[0].GetInt32();
        bytes[8 + length + offset] ^= 1;
        File.WriteAllBytes(path, bytes);
    }
}
