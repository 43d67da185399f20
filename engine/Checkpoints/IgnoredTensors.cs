using System.Globalization;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Tells a family's known extras from tensors that nothing accounts for, and counts them for one line of report.</summary>
internal sealed class IgnoredTensors(ModelSpec spec)
{
    private const string AnyLayer = "{layer}";
    private const string NextLayer = "{next}";

    private readonly TensorPatterns _patterns = new TensorNames(spec).Patterns;
    private readonly SortedDictionary<string, int> _counts = new(StringComparer.Ordinal);

    /// <summary>For example <c>1543 multi-token-prediction tensors, 61 rope frequencies</c>; null where nothing was ignored.</summary>
    public string? Text => _counts.Count == 0 ? null : string.Join(", ", _counts.Select(kind => $"{kind.Value} {kind.Key}"));

    /// <summary>Removes the known extras from <paramref name="found"/>.</summary>
    public void Take<T>(Dictionary<string, T> found)
    {
        List<string> extras = [];
        foreach (string name in found.Keys)
        {
            if (KindOf(name, found.ContainsKey) is not { } kind)
                continue;
            _counts[kind] = _counts.GetValueOrDefault(kind) + 1;
            extras.Add(name);
        }

        extras.ForEach(name => found.Remove(name));
    }

    private string? KindOf(string name, Func<string, bool> isThere)
    {
        // Savers write the tied head a second time; the authors' code ties it again after loading.
        if (spec.HasTiedEmbeddings && name == _patterns.LmHead)
            return "copies of tied embeddings";
        return _patterns.KnownExtras.FirstOrDefault(extra => Matches(name, extra, isThere))?.What;
    }

    private bool Matches(string name, KnownExtra extra, Func<string, bool> isThere)
    {
        string placeholder = extra.Pattern.Contains(NextLayer, StringComparison.Ordinal) ? NextLayer : AnyLayer;
        int start = extra.Pattern.IndexOf(placeholder, StringComparison.Ordinal);
        if (start < 0)
            return Ends(name, extra.Pattern);
        if (!name.StartsWith(extra.Pattern[..start], StringComparison.Ordinal))
            return false;
        string digits = new([.. name.Skip(start).TakeWhile(char.IsAsciiDigit)]);
        if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int layer) || layer >= spec.LayerCount != (placeholder == NextLayer))
            return false;
        bool isProven = extra.Proof is null || isThere(extra.Proof.Replace(placeholder, digits, StringComparison.Ordinal));
        return isProven && Ends(name, extra.Pattern.Replace(placeholder, digits, StringComparison.Ordinal));
    }

    private static bool Ends(string name, string pattern) =>
        pattern.EndsWith('.') ? name.StartsWith(pattern, StringComparison.Ordinal) : name == pattern;
}
