using System.Text;
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
}
