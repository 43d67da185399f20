namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>What the JavaScript reference answered for one tokenizer.</summary>
/// <param name="ModelFolder">Where the tokenizer's files are; null for those kept in the repository.</param>
/// <param name="Cases">Strings with their ids.</param>
/// <param name="Random">Ids in any order, with the text they decode to.</param>
internal sealed record GoldenTokens(string? ModelFolder, IReadOnlyList<GoldenCase> Cases, IReadOnlyList<GoldenCase> Random);

/// <summary>One string or list of ids.</summary>
/// <param name="Text">May hold halves of surrogate pairs.</param>
/// <param name="Ids">The reference's ids.</param>
/// <param name="Decoded">The text of the ids, special tokens included; null where the reference gave none of use.</param>
/// <param name="Plain">The text without special tokens; null likewise.</param>
/// <param name="IsSameRaw">
/// For a text with halves of surrogate pairs, whose ids are those of the text with U+FFFD in their place: whether the reference gives the same for the halves.
/// </param>
internal sealed record GoldenCase(string Text, int[] Ids, string? Decoded, string? Plain, bool? IsSameRaw);
