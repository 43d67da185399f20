using System.Text.Json;
using MegaInfer.Engine.Tokenization.Normalizers;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>Builds the "normalizer" of tokenizer.json; one that is not known is refused by name.</summary>
internal static class NormalizerReader
{
    public static Normalizer? Read(JsonElement? json)
    {
        if (json is not JsonElement element)
            return null;
        string? type = element.Text("type");
        switch (type)
        {
            case "Sequence":
                List<Normalizer> steps = [];
                foreach (JsonElement step in element.Items("normalizers"))
                {
                    if (Read(step) is Normalizer normalizer)
                        steps.Add(normalizer);
                }

                return steps.Count == 0 ? null : new SequenceNormalizer(steps);
            case "NFC":
                return new NfcNormalizer();
            case "Prepend":
                return new PrependNormalizer(element.Text("prepend") ?? "");
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
