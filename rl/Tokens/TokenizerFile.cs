namespace MegaInfer.Rl.Tokens;

/// <summary>Describes an encoding in the form of Hugging Face's tokenizer.json.</summary>
internal static class TokenizerFile
{
    /// <summary>The whole file as an object for a JSON serialiser.</summary>
    public static object Describe(BytePairEncoding encoding)
    {
        string Spell(int id) => string.Concat(encoding.BytesOf(id).Select(ByteAlphabet.CharacterOf));
        object byteLevel = new { type = "ByteLevel", add_prefix_space = false, trim_offsets = false, use_regex = false };
        return new
        {
            version = "1.0",
            truncation = (object?)null,
            padding = (object?)null,
            added_tokens = BytePairEncoding.Specials.Select((text, i) => new
            {
                id = encoding.EndOfText + i,
                content = text,
                single_word = false,
                lstrip = false,
                rstrip = false,
                normalized = false,
                special = true,
            }),
            normalizer = (object?)null,
            pre_tokenizer = new
            {
                type = "Sequence",
                pretokenizers = new object[]
                {
                    new { type = "Split", pattern = new { Regex = BytePairEncoding.Pattern }, behavior = "Isolated", invert = false },
                    byteLevel,
                },
            },
            post_processor = byteLevel,
            decoder = byteLevel,
            model = new
            {
                type = "BPE",
                dropout = (object?)null,
                unk_token = (object?)null,
                continuing_subword_prefix = "",
                end_of_word_suffix = "",
                fuse_unk = false,
                byte_fallback = false,
                ignore_merges = false,
                vocab = Enumerable.Range(0, encoding.EndOfText).ToDictionary(Spell, id => id),
                merges = encoding.Merges.Select(merge => new[] { Spell(merge.Left), Spell(merge.Right) }),
            },
        };
    }

    /// <summary>A special token's entry in tokenizer_config.json.</summary>
    public static object Special(string text) =>
        new { content = text, lstrip = false, normalized = false, rstrip = false, single_word = false, special = true };
}
