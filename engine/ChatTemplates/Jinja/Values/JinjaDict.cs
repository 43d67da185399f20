using System.Diagnostics.CodeAnalysis;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Values;

/// <summary>A dictionary of a template: keeps the order of insertion; keys are strings, numbers, booleans or none.</summary>
internal sealed class JinjaDict
{
    // Stands for none, which a .NET dictionary does not take as a key.
    private static readonly object NoneKey = new();

    private readonly OrderedDictionary<object, object?> _entries = new(KeyComparer.Instance);

    public int Count => _entries.Count;

    public IEnumerable<object?> Keys => _entries.Keys.Select(key => ReferenceEquals(key, NoneKey) ? null : key);

    public IEnumerable<object?> Values => _entries.Values;

    public IEnumerable<KeyValuePair<object?, object?>> Entries =>
        _entries.Select(entry => new KeyValuePair<object?, object?>(ReferenceEquals(entry.Key, NoneKey) ? null : entry.Key, entry.Value));

    public void Set(object? key, object? value)
    {
        if (key is not (null or string or long or double or bool))
            throw new ChatTemplateException($"A {PythonText.TypeName(key)} cannot be a dictionary key in the chat template.");
        _entries[key ?? NoneKey] = value;
    }

    public bool TryGet(object? key, [MaybeNullWhen(true)] out object? value) => _entries.TryGetValue(key ?? NoneKey, out value);

    // As in Python, 1, 1.0 and true are one key.
    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Instance = new();

        public new bool Equals(object? x, object? y) => x is string || y is string ? object.Equals(x, y) : Number(x).Equals(Number(y));

        public int GetHashCode(object obj) => obj is string text ? text.GetHashCode(StringComparison.Ordinal) : Number(obj).GetHashCode();

        private static object Number(object? key) => key switch
        {
            bool flag => flag ? 1.0 : 0.0,
            long number => (double)number,
            _ => key!,
        };
    }
}
