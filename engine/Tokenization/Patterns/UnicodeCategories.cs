using System.Globalization;

namespace MegaInfer.Engine.Tokenization.Patterns;

/// <summary>Names of \p{...} as bit masks over <see cref="UnicodeCategory"/>.</summary>
internal static class UnicodeCategories
{
    // In the order of UnicodeCategory.
    private static readonly string[] ShortNames =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
        "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    private static readonly Dictionary<string, string> LongNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Letter"] = "L",
        ["Mark"] = "M",
        ["Number"] = "N",
        ["Punctuation"] = "P",
        ["Symbol"] = "S",
        ["Separator"] = "Z",
        ["Other"] = "C",
        ["Uppercase_Letter"] = "Lu",
        ["Lowercase_Letter"] = "Ll",
        ["Decimal_Number"] = "Nd",
    };

    /// <summary>The mask of a category name ("L", "Lu", "Letter"), or 0 if there is no such category.</summary>
    public static uint Mask(string name)
    {
        if (LongNames.TryGetValue(name, out string? shortName))
            name = shortName;
        uint mask = 0;
        for (int i = 0; i < ShortNames.Length; i++)
        {
            bool matches = name.Length == 1 ? ShortNames[i][0] == name[0] : ShortNames[i] == name;
            if (matches)
                mask |= 1u << i;
        }

        return mask;
    }
}
