using System.Globalization;

namespace MegaInfer.Server.OpenAi;

/// <summary>
/// Finds escapes in JSON that are half of a surrogate pair, as "\ud83d" alone is: well-formed JSON, but no text. Reading such a string would throw wherever
/// it is read first, so a request that has one is refused as a whole.
/// </summary>
internal static class SurrogateEscapes
{
    private const int EscapeLength = 6;

    /// <param name="json">Valid JSON in UTF-8.</param>
    public static bool HasLoneHalf(ReadOnlySpan<byte> json)
    {
        while (json.IndexOf((byte)'\\') is var at && at >= 0)
        {
            json = json[at..];
            char unit = Unit(json);
            bool isPair = char.IsHighSurrogate(unit) && char.IsLowSurrogate(Unit(json[EscapeLength..]));
            if (char.IsSurrogate(unit) && !isPair)
                return true;
            json = json[(isPair ? 2 * EscapeLength : unit != '\0' ? EscapeLength : 2)..];
        }

        return false;
    }

    // The UTF-16 unit of the \u escape that the text begins with; 0 for any other beginning.
    private static char Unit(ReadOnlySpan<byte> text) =>
        text.StartsWith("\\u"u8) && ushort.TryParse(text[2..EscapeLength], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit)
            ? (char)unit
            : '\0';
}
