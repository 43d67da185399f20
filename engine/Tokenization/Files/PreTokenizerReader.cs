using System.Text.Json;
using MegaInfer.Engine.Tokenization.Patterns;
using MegaInfer.Engine.Tokenization.PreTokenizers;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>Builds the "pre_tokenizer" of tokenizer.json; one that is not known is refused by name.</summary>
internal static class PreTokenizerReader
{
    private const string PunctuationPattern = @"[\p{P}!-/:-@\[-`{-~]";

    public static PreTokenizer? Read(JsonElement? json)
    {
        if (json is not JsonElement element)
            return null;
        string? type = element.Text("type");
        return type switch
        {
            "Sequence" => ReadSequence(element),
            "Split" => new SplitPreTokenizer(PatternReader.Read(element), Behavior(element.Text("behavior")), element.Flag("invert")),
            "ByteLevel" => new ByteLevelPreTokenizer(element.Flag("add_prefix_space", true), element.Flag("use_regex", true)),
            "Digits" => Cut(element.Flag("individual_digits") ? @"\p{N}" : @"\p{N}+", SplitBehavior.Isolated),
            "Punctuation" => Cut(PunctuationPattern, Behavior(element.Text("behavior") ?? "Isolated")),
            "Whitespace" => Cut(@"\w+|[^\w\s]+", SplitBehavior.Removed, isInverted: true),
            "WhitespaceSplit" => Cut(@"\s", SplitBehavior.Removed),
            "Metaspace" => ReadMetaspace(element),
            _ => throw new TokenizerException($"the pre-tokenizer \"{type}\" is not supported"),
        };
    }

    /// <summary>Whether a pre-tokenizer, normalizer or decoder says that tokens are made of bytes.</summary>
    public static bool IsByteLevel(JsonElement? json)
    {
        if (json is not JsonElement element || element.ValueKind != JsonValueKind.Object)
            return false;
        if (element.Text("type") == "ByteLevel")
            return true;
        IEnumerable<JsonElement> steps = element.Items("pretokenizers").Concat(element.Items("normalizers")).Concat(element.Items("decoders"));
        return steps.Any(step => IsByteLevel(step));
    }

    private static SequencePreTokenizer ReadSequence(JsonElement json)
    {
        List<PreTokenizer> steps = [];
        foreach (JsonElement step in json.Items("pretokenizers"))
        {
            if (Read(step) is PreTokenizer preTokenizer)
                steps.Add(preTokenizer);
        }

        return new SequencePreTokenizer(steps);
    }

    private static MetaspacePreTokenizer ReadMetaspace(JsonElement json)
    {
        string mark = json.Text("replacement") ?? "\u2581";
        if (mark.Length != 1)
            throw new TokenizerException("the Metaspace \"replacement\" is not one character");
        MetaspacePrepend scheme = json.Text("prepend_scheme") switch
        {
            "first" => MetaspacePrepend.First,
            "never" => MetaspacePrepend.Never,
            "always" => MetaspacePrepend.Always,
            // Older files have only this flag.
            null => json.Flag("add_prefix_space", true) ? MetaspacePrepend.Always : MetaspacePrepend.Never,
            string other => throw new TokenizerException($"the Metaspace \"prepend_scheme\" \"{other}\" is not supported"),
        };
        return new MetaspacePreTokenizer(mark[0], scheme, json.Flag("split", true));
    }

    private static SplitPreTokenizer Cut(string pattern, SplitBehavior behavior, bool isInverted = false) =>
        new(new SplitPattern(pattern), behavior, isInverted);

    private static SplitBehavior Behavior(string? name) => name switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        _ => throw new TokenizerException($"the split behavior \"{name}\" is not supported"),
    };
}
