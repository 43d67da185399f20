using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// The table of contents of a .safetensors file: 8 bytes of length, that many bytes of JSON, then the data. The file may be anything: every number is
/// checked before it is used, and nothing is allocated by a length that the file itself does not have.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>As the format's own reader has it.</summary>
    public const int MaximumBytes = 100_000_000;

    private const int LengthBytes = 8;
    private const int MaximumRank = 8;

    private SafetensorsHeader(IReadOnlyDictionary<string, SafetensorsEntry> entries) => Entries = entries;

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries { get; }

    /// <exception cref="CheckpointException">The file is not a whole, well-formed safetensors file.</exception>
    public static SafetensorsHeader Read(MappedFile file)
    {
        if (file.Length < LengthBytes)
            throw Bad(file.Path, $"has {file.Length} bytes, too few for a safetensors file");
        Span<byte> lengthBytes = stackalloc byte[LengthBytes];
        file.Read(0, lengthBytes);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(lengthBytes);
        if (length > MaximumBytes)
            throw Bad(file.Path, $"states a header of {length} bytes, more than the {MaximumBytes} that safetensors allows");
        if ((long)length > file.Length - LengthBytes)
            throw Bad(file.Path, $"states a header of {length} bytes but has only {file.Length} bytes in all");
        byte[] json = new byte[length];
        file.Read(LengthBytes, json);
        return Parse(file.Path, json, dataStart: LengthBytes + (long)length, file.Length);
    }

    /// <summary>Parses a header's JSON. Offsets in the result count from the start of the file.</summary>
    internal static SafetensorsHeader Parse(string path, ReadOnlySpan<byte> json, long dataStart, long fileLength)
    {
        Dictionary<string, SafetensorsEntry> entries;
        try
        {
            entries = ParseEntries(path, json, dataStart, fileLength);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The reader throws InvalidOperationException for strings that are no valid UTF-16, which is malformed text too.
            throw new CheckpointException($"{path} has a header that is not valid JSON; download or copy it again.", exception);
        }

        CheckLayout(path, entries.Values, dataStart, fileLength);
        return new SafetensorsHeader(entries);
    }

    private static Dictionary<string, SafetensorsEntry> ParseEntries(string path, ReadOnlySpan<byte> json, long dataStart, long fileLength)
    {
        var entries = new Dictionary<string, SafetensorsEntry>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
        Expect(path, ref reader, JsonTokenType.StartObject, "the header");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            if (name == "__metadata__")
            {
                reader.Read();
                reader.Skip();
                continue;
            }

            SafetensorsEntry entry = ParseEntry(path, name, ref reader, dataStart, fileLength);
            if (!entries.TryAdd(name, entry))
                throw Bad(path, $"lists tensor {Quote(name)} twice");
        }

        // Padding after the object is spaces; anything else makes the reader throw.
        reader.Read();
        return entries;
    }

    private static SafetensorsEntry ParseEntry(string path, string name, ref Utf8JsonReader reader, long dataStart, long fileLength)
    {
        string? dtype = null;
        ImmutableArray<long> shape = default;
        ImmutableArray<long> offsets = default;
        Expect(path, ref reader, JsonTokenType.StartObject, Quote(name));
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string field = reader.GetString()!;
            switch (field)
            {
                case "dtype":
                    Expect(path, ref reader, JsonTokenType.String, $"{Quote(name)}.dtype");
                    dtype = reader.GetString();
                    break;
                case "shape":
                    shape = ParseNumbers(path, name, field, ref reader);
                    break;
                case "data_offsets":
                    offsets = ParseNumbers(path, name, field, ref reader);
                    break;
                default:
                    throw Bad(path, $"has an unknown field {Quote(field)} in tensor {Quote(name)}");
            }
        }

        if (dtype is null || shape.IsDefault || offsets.IsDefault)
            throw Bad(path, $"lacks dtype, shape or data_offsets for tensor {Quote(name)}");
        return MakeEntry(path, name, dtype, shape, offsets, dataStart, fileLength);
    }

    private static SafetensorsEntry MakeEntry(
        string path, string name, string dtype, ImmutableArray<long> shape, ImmutableArray<long> offsets, long dataStart, long fileLength)
    {
        int bits = BitsOf(dtype);
        if (bits == 0)
            throw Bad(path, $"has tensor {Quote(name)} of the unknown type {Quote(dtype)}");
        if (shape.Any(dimension => dimension > int.MaxValue))
            throw Bad(path, $"has tensor {Quote(name)} with an impossible shape [{string.Join(", ", shape)}]");
        if (offsets.Length != 2 || offsets[0] > offsets[1])
            throw Bad(path, $"has tensor {Quote(name)} with impossible data_offsets [{string.Join(", ", offsets)}]");
        long dataBytes = fileLength - dataStart;
        if (offsets[1] > dataBytes)
        {
            throw Bad(path, $"is truncated: tensor {Quote(name)} ends at byte {(UInt128)offsets[1] + (UInt128)dataStart}, the file has {fileLength} bytes");
        }

        UInt128 elements = 1;
        foreach (long dimension in shape)
        {
            elements *= (UInt128)dimension;
            if (elements > long.MaxValue)
                throw Bad(path, $"has tensor {Quote(name)} with an impossible shape [{string.Join(", ", shape)}]");
        }

        long bytes = offsets[1] - offsets[0];
        if (elements * (UInt128)bits != (UInt128)bytes * 8)
        {
            UInt128 expected = elements * (UInt128)bits / 8;
            throw Bad(path, $"has tensor {Quote(name)} of shape [{string.Join(", ", shape)}] and type {dtype} in {bytes} bytes where {expected} were expected");
        }

        return new SafetensorsEntry(name, dtype, [.. shape.Select(dimension => (int)dimension)], dataStart + offsets[0], bytes);
    }

    private static ImmutableArray<long> ParseNumbers(string path, string name, string field, ref Utf8JsonReader reader)
    {
        Expect(path, ref reader, JsonTokenType.StartArray, $"{Quote(name)}.{field}");
        ImmutableArray<long>.Builder numbers = ImmutableArray.CreateBuilder<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0 || numbers.Count == MaximumRank)
                throw Bad(path, $"has tensor {Quote(name)} whose {field} is not a short list of non-negative whole numbers");
            numbers.Add(number);
        }

        return numbers.ToImmutable();
    }

    /// <summary>The tensors must tile the data without overlap, gap or rest: anything else is a damaged file.</summary>
    private static void CheckLayout(string path, IEnumerable<SafetensorsEntry> entries, long dataStart, long fileLength)
    {
        long end = dataStart;
        SafetensorsEntry? previous = null;
        foreach (SafetensorsEntry entry in entries.OrderBy(entry => entry.Offset).ThenBy(entry => entry.Bytes))
        {
            if (entry.Offset < end)
                throw Bad(path, $"has tensors {Quote(previous!.Name)} and {Quote(entry.Name)} that overlap");
            if (entry.Offset > end)
                throw Bad(path, $"has a gap of {entry.Offset - end} bytes before tensor {Quote(entry.Name)}");
            end = entry.Offset + entry.Bytes;
            previous = entry;
        }

        if (end != fileLength)
            throw Bad(path, $"has {fileLength - end} bytes after its last tensor");
    }

    private static int BitsOf(string dtype) => dtype switch
    {
        "F64" or "I64" or "U64" => 64,
        "F32" or "I32" or "U32" => 32,
        "F16" or "BF16" or "I16" or "U16" => 16,
        "I8" or "U8" or "BOOL" or "F8_E4M3" or "F8_E5M2" or "F8_E8M0" => 8,
        "F4" => 4,
        _ => 0,
    };

    private static void Expect(string path, ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (!reader.Read() || reader.TokenType != type)
            throw Bad(path, $"has a malformed header: {what} should be a JSON {type}");
    }

    /// <summary>Names come from the file: shortened, so that a sentence stays a sentence.</summary>
    private static string Quote(string name) => name.Length <= 120 ? $"\"{name}\"" : $"\"{name[..120]}...\"";

    private static CheckpointException Bad(string path, string what) => new($"{path} {what}; download or copy it again.");
}
