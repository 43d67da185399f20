using System.Text;

namespace MegaInfer.Bench.Tests.Gguf;

/// <summary>A strict reader of the GGUF files that the export writes, made from the format's description alone: anything unexpected throws.</summary>
internal sealed class GgufFile
{
    private readonly byte[] _bytes;
    private long _dataStart;

    private GgufFile(byte[] bytes) => _bytes = bytes;

    public Dictionary<string, object> Metadata { get; } = [];

    public List<Tensor> Tensors { get; } = [];

    /// <param name="Name">As written.</param>
    /// <param name="Dimensions">Innermost first, as written.</param>
    /// <param name="Type">0: fp32, 30: bf16.</param>
    /// <param name="Offset">From the start of the data.</param>
    public sealed record Tensor(string Name, long[] Dimensions, uint Type, long Offset)
    {
        public long Elements => Dimensions.Aggregate(1L, (product, dimension) => product * dimension);

        public long Bytes => Elements * (Type == 0 ? 4 : 2);
    }

    public static GgufFile Read(string path)
    {
        var file = new GgufFile(File.ReadAllBytes(path));
        using var reader = new BinaryReader(new MemoryStream(file._bytes));
        Check(Encoding.ASCII.GetString(reader.ReadBytes(4)) == "GGUF", "the magic");
        Check(reader.ReadUInt32() == 3, "the version");
        ulong tensors = reader.ReadUInt64();
        ulong entries = reader.ReadUInt64();
        for (ulong i = 0; i < entries; i++)
            file.Metadata.Add(Text(reader), Value(reader, reader.ReadUInt32()));
        for (ulong i = 0; i < tensors; i++)
            file.Tensors.Add(ReadTensor(reader));
        file._dataStart = (reader.BaseStream.Position + 31) / 32 * 32;
        file.CheckLayout();
        return file;
    }

    public float[] Values(string name)
    {
        Tensor tensor = Tensors.Single(tensor => tensor.Name == name);
        ReadOnlySpan<byte> data = _bytes.AsSpan((int)(_dataStart + tensor.Offset), (int)tensor.Bytes);
        float[] values = new float[tensor.Elements];
        for (int i = 0; i < values.Length; i++)
            values[i] = tensor.Type == 0 ? BitConverter.ToSingle(data[(4 * i)..]) : BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(data[(2 * i)..]) << 16);
        return values;
    }

    private static Tensor ReadTensor(BinaryReader reader)
    {
        string name = Text(reader);
        uint rank = reader.ReadUInt32();
        Check(rank is >= 1 and <= 4, "a rank");
        long[] dimensions = [.. Enumerable.Range(0, (int)rank).Select(_ => reader.ReadInt64())];
        uint type = reader.ReadUInt32();
        Check(type is 0 or 30, "a tensor type");
        return new Tensor(name, dimensions, type, reader.ReadInt64());
    }

    // Each tensor begins at the first multiple of 32 after the one before, and the file ends with the last one's padding.
    private void CheckLayout()
    {
        Check(Tensors.Select(tensor => tensor.Name).Distinct().Count() == Tensors.Count, "distinct names");
        long expected = 0;
        foreach (Tensor tensor in Tensors)
        {
            Check(tensor.Offset == expected, $"the offset of {tensor.Name}");
            expected = (tensor.Offset + tensor.Bytes + 31) / 32 * 32;
        }

        Check(_dataStart + expected == _bytes.Length, "the length");
    }

    private static object Value(BinaryReader reader, uint type)
    {
        switch (type)
        {
            case 4:
                return reader.ReadUInt32();
            case 5:
                return reader.ReadInt32();
            case 6:
                return reader.ReadSingle();
            case 7:
                byte flag = reader.ReadByte();
                Check(flag <= 1, "a Boolean");
                return flag == 1;
            case 8:
                return Text(reader);
            case 9:
                uint elementType = reader.ReadUInt32();
                ulong count = reader.ReadUInt64();
                return Enumerable.Range(0, (int)count).Select(_ => Value(reader, elementType)).ToArray();
            default:
                throw new InvalidDataException($"type {type}");
        }
    }

    private static string Text(BinaryReader reader) =>
        new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(reader.ReadBytes((int)reader.ReadUInt64()));

    private static void Check(bool isRight, string what)
    {
        if (!isRight)
            throw new InvalidDataException($"wrong: {what}");
    }
}
