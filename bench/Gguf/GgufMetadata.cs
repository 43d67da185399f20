namespace MegaInfer.Bench.Gguf;

/// <summary>What a GGUF file says of a model beside its tensors, in the order of writing.</summary>
internal sealed class GgufMetadata
{
    // The values of gguf_type.
    private const uint Unsigned32 = 4;
    private const uint Signed32 = 5;
    private const uint Float32 = 6;
    private const uint Boolean = 7;
    private const uint Text = 8;
    private const uint Array = 9;

    private readonly List<(string Key, Action<BinaryWriter> Value)> _entries = [];

    public int Count => _entries.Count;

    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public void Add(string key, int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        Add(key, Unsigned32, file => file.Write((uint)value));
    }

    public void Add(string key, float value) => Add(key, Float32, file => file.Write(value));

    public void Add(string key, bool value) => Add(key, Boolean, file => file.Write(value));

    public void Add(string key, string value) => Add(key, Text, file => GgufWriter.WriteText(file, value));

    public void Add(string key, IReadOnlyList<string> values) => Add(key, Text, values, GgufWriter.WriteText);

    public void Add(string key, IReadOnlyList<int> values) => Add(key, Signed32, values, (file, value) => file.Write(value));

    public void WriteTo(BinaryWriter file)
    {
        foreach ((string key, Action<BinaryWriter> value) in _entries)
        {
            GgufWriter.WriteText(file, key);
            value(file);
        }
    }

    private void Add<T>(string key, uint elementType, IReadOnlyList<T> values, Action<BinaryWriter, T> write)
    {
        Add(key, Array, file =>
        {
            file.Write(elementType);
            file.Write((ulong)values.Count);
            foreach (T value in values)
                write(file, value);
        });
    }

    private void Add(string key, uint type, Action<BinaryWriter> write)
    {
        _entries.Add((key, Value));

        void Value(BinaryWriter file)
        {
            file.Write(type);
            write(file);
        }
    }
}
