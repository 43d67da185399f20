using System.Text;
using System.Text.Json;
using MegaInfer.Engine.Tokenization.Patterns;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>Reads {"Regex": ...} or {"String": ...}.</summary>
internal static class PatternReader
{
    public static SplitPattern Read(JsonElement owner)
    {
        JsonElement json = owner.Field("pattern") ?? throw new TokenizerException("a \"pattern\" is missing");
        string? pattern = json.Text("Regex");
        pattern ??= Escape(json.ValueKind == JsonValueKind.String ? json.GetString()! : json.Text("String"));
        try
        {
            return new SplitPattern(pattern);
        }
        catch (FormatException failure)
        {
            throw new TokenizerException(failure.Message, failure);
        }
    }

    private static string Escape(string? literal)
    {
        if (string.IsNullOrEmpty(literal))
            throw new TokenizerException("a \"pattern\" is neither a Regex nor a String");
        StringBuilder escaped = new();
        foreach (char c in literal)
        {
            if (char.IsAscii(c) && !char.IsAsciiLetterOrDigit(c))
                escaped.Append('\\');
            escaped.Append(c);
        }

        return escaped.ToString();
    }
}
