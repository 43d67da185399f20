using System.Text.Json;
using MegaInfer.Engine.Tokenization.Bpe;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>Builds the "decoder" of tokenizer.json; one that is not known is refused by name.</summary>
internal static class DecoderReader
{
    private const double MaxGrowth = 64;

    public static TokenDecoder Read(JsonElement? json, Vocabulary vocabulary, IReadOnlyList<AddedToken> addedTokens)
    {
        List<(string, string)> replacements = [];
        bool hasByteFallback = false;
        int leadingSpaces = 0;
        foreach (JsonElement step in Flatten(json))
        {
            string? type = step.Text("type");
            switch (type)
            {
                case "ByteLevel" or "Fuse":
                    break;
                case "ByteFallback":
                    hasByteFallback = true;
                    break;
                case "Replace" when step.Field("pattern")?.Text("String") is { Length: > 0 } old:
                    replacements.Add((old, step.Text("content") ?? ""));
                    break;
                case "Strip" when step.Text("content") == " " && step.Number("stop", 0) == 0:
                    leadingSpaces = step.Number("start", 0);
                    break;
                case "Metaspace":
                    replacements.Add((step.Text("replacement") ?? "\u2581", " "));
                    bool prepends = step.Text("prepend_scheme") is string scheme ? scheme != "never" : step.Flag("add_prefix_space", true);
                    leadingSpaces = prepends ? 1 : 0;
                    break;
                default:
                    throw new TokenizerException($"the decoder \"{type}\" is not supported as it is written");
            }
        }

        double growth = replacements.Aggregate(1.0, (product, replacement) => product * Math.Max(1, replacement.Item2.Length));
        if (growth > MaxGrowth)
            throw new TokenizerException($"the decoder could make a token {growth:G3} times longer");
        return new TokenDecoder(vocabulary, addedTokens, replacements, hasByteFallback, leadingSpaces);
    }

    private static IEnumerable<JsonElement> Flatten(JsonElement? json) => json switch
    {
        null => [],
        JsonElement element when element.Text("type") == "Sequence" => element.Items("decoders").SelectMany(step => Flatten(step)),
        JsonElement element => [element],
    };
}
