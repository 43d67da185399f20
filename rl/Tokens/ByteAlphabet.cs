namespace MegaInfer.Rl.Tokens;

/// <summary>
/// The printable stand-ins of bytes in tokenizer.json (GPT-2's convention): printable Latin-1 characters stand for themselves, the
/// others for the characters from U+0100 on. A byte's id is its rank among the stand-ins.
/// </summary>
public static class ByteAlphabet
{
    private static readonly char[] Characters = new char[256];
    private static readonly int[] Ids = new int[256];
    private static readonly byte[] Bytes = new byte[256];

    static ByteAlphabet()
    {
        int next = 256;
        for (int value = 0; value < 256; value++)
        {
            bool isPrintable = value is (>= '!' and <= '~') or (>= 0xa1 and <= 0xac) or (>= 0xae and <= 0xff);
            Characters[value] = (char)(isPrintable ? value : next++);
        }
        byte[] order = [.. Enumerable.Range(0, 256).OrderBy(value => Characters[value]).Select(value => (byte)value)];
        for (int id = 0; id < 256; id++)
        {
            Bytes[id] = order[id];
            Ids[order[id]] = id;
        }
    }

    /// <summary>The stand-in of a byte.</summary>
    public static char CharacterOf(byte value) => Characters[value];

    /// <summary>The token id of a byte.</summary>
    public static int IdOf(byte value) => Ids[value];

    /// <summary>The byte of a token id below 256.</summary>
    public static byte ByteOf(int id) => Bytes[id];
}
