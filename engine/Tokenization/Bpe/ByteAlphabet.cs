using System.Runtime.CompilerServices;

namespace MegaInfer.Engine.Tokenization.Bpe;

/// <summary>
/// The printable alphabet in which byte-level tokenizer files write bytes: printable Latin-1 stands for itself, the other
/// bytes for U+0100 and up ("Ġ" is a space).
/// </summary>
internal static class ByteAlphabet
{
    private const int CodePointLimit = 0x144;

    private static readonly short[] ByteOfCodePoint = Build();

    /// <summary>
    /// Whether a token of the file is written in this alphabet. If not, it is not made of bytes, and its own UTF-8 is what it
    /// stands for.
    /// </summary>
    // Optimised at once: loading calls it a million times before the JIT would get around to it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool IsEncoded(ReadOnlySpan<byte> utf8)
    {
        for (int i = 0; i < utf8.Length;)
        {
            if (Next(utf8, ref i) < 0)
                return false;
        }

        return true;
    }

    /// <summary>Writes the bytes a token of this alphabet stands for and returns how many; the target may be the source.</summary>
    // Optimised at once: loading calls it a million times before the JIT would get around to it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Decode(ReadOnlySpan<byte> utf8, Span<byte> bytes)
    {
        int written = 0;
        for (int i = 0; i < utf8.Length;)
            bytes[written++] = (byte)Next(utf8, ref i);
        return written;
    }

    private static int Next(ReadOnlySpan<byte> utf8, ref int at)
    {
        int codePoint = utf8[at++];
        if (codePoint >= 0x80)
        {
            // Every letter of the alphabet beyond ASCII takes two bytes: 110xxxxx 10xxxxxx.
            if ((codePoint & 0xE0) != 0xC0 || at >= utf8.Length)
                return -1;
            codePoint = ((codePoint & 0x1F) << 6) | (utf8[at++] & 0x3F);
        }

        return codePoint < CodePointLimit ? ByteOfCodePoint[codePoint] : -1;
    }

    private static short[] Build()
    {
        short[] table = new short[CodePointLimit];
        Array.Fill(table, (short)-1);
        int next = 0x100;
        for (int b = 0; b < 256; b++)
        {
            bool printable = b is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            table[printable ? b : next++] = (short)b;
        }

        return table;
    }
}
