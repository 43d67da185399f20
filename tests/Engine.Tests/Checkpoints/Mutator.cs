using System.Text;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>Damages a file's bytes in the ways that disks, downloads and enemies do. Deterministic by seed.</summary>
internal sealed class Mutator(int seed)
{
    private static readonly string[] Splinters =
    [
        "-1", "0", "9223372036854775807", "18446744073709551616", "4611686018427387904", "1e999", "0.5", "null", "true", "{}", "[]", "[[[[[[[[[[[[", "{\"a\":",
        "\"\"", "\"BF16\"", "\"F32\"", "\"I64\"", "\"\\ud800\"", "\"__metadata__\"", "\"shape\":[]", "\"data_offsets\":[0,0]", ",", ":", "}", "]", "\u0000", "\u00ff",
    ];

    private readonly Random _random = new(seed);

    /// <summary>A copy with one to four wounds.</summary>
    public byte[] Mutate(byte[] original)
    {
        List<byte> bytes = [.. original];
        for (int wounds = _random.Next(1, 5); wounds > 0 && bytes.Count > 0; wounds--)
            Wound(bytes);
        return [.. bytes];
    }

    private void Wound(List<byte> bytes)
    {
        int at = _random.Next(bytes.Count);
        int length = Math.Min(_random.Next(1, 40), bytes.Count - at);
        switch (_random.Next(7))
        {
            case 0:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 1:
                bytes.RemoveRange(at, length);
                break;
            case 2:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 3:
                bytes.InsertRange(at, Encoding.Latin1.GetBytes(Splinters[_random.Next(Splinters.Length)]));
                break;
            case 4:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                ReplaceNumber(bytes, at);
                break;
        }
    }

    /// <summary>Swaps the next number for a splinter, so that the JSON mostly stays JSON.</summary>
    private void ReplaceNumber(List<byte> bytes, int at)
    {
        while (at < bytes.Count && !char.IsAsciiDigit((char)bytes[at]))
            at++;
        int end = at;
        while (end < bytes.Count && char.IsAsciiDigit((char)bytes[end]))
            end++;
        bytes.RemoveRange(at, end - at);
        bytes.InsertRange(at, Encoding.Latin1.GetBytes(Splinters[_random.Next(Splinters.Length)]));
    }
}
