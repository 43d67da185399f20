using System.Text.Json;
using MegaInfer.Engine.Tokenization.Normalizers;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>Builds the "normalizer" of tokenizer.json; one that is not known is refused by name.</summary>
internal static class NormalizerReader
{
    // What the longest sensible chain could do; a damaged file with thirty replacements in a row would double a text thirty times.
    private const double MaxGrowth = 64;
    private const int LongestPrefix = 64;

    public static Normalizer? Read(JsonElement? json)
    {
        Normalizer? normalizer = json is JsonElement element ? ReadOne(element) : null;
        return normalizer is null || normalizer.Growth <= MaxGrowth
            ? normalizer
            : throw new TokenizerException($"the normalizer could make a text {normalizer.Growth:G3} times longer");
    }

    private static Normalizer? ReadOne(JsonElement element)
    {
        string? type = element.Text("type");
        switch (type)
        {
            case "Sequence":
                List<Normalizer> steps = [];
                foreach (JsonElement step in element.Items("normalizers"))
                {
                    if (ReadOne(step) is Normalizer normalizer)
                        steps.Add(normalizer);
                }

                return steps.Count == 0 ? null : new SequenceNormalizer(steps);
            case "NFC":
                return new NfcNormalizer();
            case "Prepend":
                string prefix = element.Text("prepend") ?? "";
                return prefix.Length <= LongestPrefix
                    ? new PrependNormalizer(prefix)
                    : throw new TokenizerException($"the normalizer \"{type}\" has a prefix of {prefix.Length} characters");
            case "Replace":
                return new ReplaceNormalizer(PatternReader.Read(element), element.Text("content") ?? "");
            case "Lowercase":
                return new LowercaseNormalizer();
            case "Strip":
                return new StripNormalizer(element.Flag("strip_left"), element.Flag("strip_right"));
            default:
                throw new TokenizerException($"the normalizer \"{type}\" is not supported");
        }
    }
}
