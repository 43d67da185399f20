using System.Text;

namespace MegaInfer.Engine.Tests.Fuzzing;

/// <summary>Damages bytes in the ways that disks, downloads and enemies do. Deterministic by its random numbers.</summary>
internal static class ByteMutator
{
    private static readonly string[] Splinters =
    [
        "-1", "0", "9223372036854775807", "18446744073709551616", "4611686018427387904", "2147483648", "1e999", "0.5", "null", "true", "{}", "[]", "[[[[[[[[[[[[", "{\"a\":", "\"\"", "\"BF16\"",
        "\"I64\"", "\"\\ud800\"", "\"__metadata__\"", "\"shape\":[]", "\"data_offsets\":[0,0]", ",", ":", "}", "]", "\u0000", "\u00ff", "\n", " ", "\\",
    ];

    /// <summary>One wound somewhere.</summary>
    public static void Wound(List<byte> bytes, Random random)
    {
        if (bytes.Count == 0)
            return;
        int at = random.Next(bytes.Count);
        int length = Math.Min(random.Next(1, 40), bytes.Count - at);
        switch (random.Next(7))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 4:
                bytes.InsertRange(at, Encoding.Latin1.GetBytes(Splinters[random.Next(Splinters.Length)]));
                break;
            case 5:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                // One place of the file over another.
                int from = random.Next(bytes.Count);
                List<byte> piece = bytes.GetRange(from, Math.Min(length, bytes.Count - from));
                for (int i = 0; i < piece.Count && at + i < bytes.Count; i++)
                    bytes[at + i] = piece[i];
                break;
        }
    }
}
