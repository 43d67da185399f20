using System.Globalization;
using System.Text.Json;
using MegaInfer.Engine.Tokenization.Bpe;
using MegaInfer.Engine.Tokenization.Patterns;
using MegaInfer.Engine.Tokenization.PreTokenizers;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>
/// The tokenizer of a folder that has tiktoken.model in place of tokenizer.json, as Kimi-K2 ships: the tokens in that file, the special ones in
/// tokenizer_config.json, and the split pattern in code of the authors' own, which is known here by the name of its class.
/// </summary>
internal static class TiktokenFolder
{
    public const string FileName = "tiktoken.model";

    private const string KimiClass = "TikTokenTokenizer";

    // Ids behind the model's own that are special even where tokenizer_config.json does not name them.
    private const int ReservedTokens = 256;

    // Kimi's, over code points as its engine has it: with the case folded, an s may also be the long one.
    private const string KimiPattern =
        @"[\p{Han}]+"
        + @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'ſ|'t|'re|'ve|'m|'ll|'d)?"
        + @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'ſ|'t|'re|'ve|'m|'ll|'d)?"
        + @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <param name="file">Content of tiktoken.model.</param>
    /// <param name="config">Content of tokenizer_config.json.</param>
    /// <exception cref="TokenizerException">The files say something that cannot be honoured; the message does not name the file.</exception>
    public static TokenizerFile Read(ReadOnlySpan<byte> file, JsonElement config)
    {
        if (config.Text("tokenizer_class") is var name && name != KimiClass)
            throw new TokenizerException($"its split pattern is known only for the tokenizer class \"{KimiClass}\", and tokenizer_config.json says \"{name}\"");
        List<AddedToken> addedTokens = AddedTokenReader.Read(null, config);
        (BpeModel model, Vocabulary vocabulary) = TiktokenModelReader.Read(file, modelCount =>
        {
            AddReserved(addedTokens, modelCount);
            return addedTokens;
        });
        PreTokenizer pieces = new SplitPreTokenizer(new SplitPattern(KimiPattern), SplitBehavior.Isolated, isInverted: false);
        TokenDecoder decoder = new(vocabulary, addedTokens, replacements: [], hasByteFallback: false, leadingSpaces: 0);
        return new TokenizerFile(model, vocabulary, addedTokens, Normalizer: null, new RunLimitPreTokenizer(pieces), decoder, PostProcessor: null);
    }

    private static void AddReserved(List<AddedToken> addedTokens, int modelCount)
    {
        HashSet<int> known = [.. addedTokens.Select(token => token.Id)];
        for (int id = modelCount; id < modelCount + ReservedTokens; id++)
        {
            if (!known.Contains(id))
                addedTokens.Add(new AddedToken(id, string.Create(CultureInfo.InvariantCulture, $"<|reserved_token_{id}|>"), true, false, false, false, false));
        }
    }
}
