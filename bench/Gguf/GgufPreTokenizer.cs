using System.Text.Json;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Gguf;

/// <summary>
/// The name that GGUF has for the way a tokenizer cuts text before merging. llama.cpp knows each way by a name and has its own code for it, so only what is known to be the
/// same is named.
/// </summary>
internal static class GgufPreTokenizer
{
    private const string Qwen2Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <param name="tokenizer">tokenizer.json.</param>
    /// <exception cref="MegaInferException">It cuts, or changes, text in another way.</exception>
    public static string NameOf(JsonElement tokenizer)
    {
        JsonElement cut = Field(tokenizer, "pre_tokenizer");
        string? normalizer = Text(Field(tokenizer, "normalizer"), "type");
        if (normalizer is null && IsByteLevel(cut, hasPattern: true))
            return "gpt-2";
        // Qwen's own files bring text to NFC first, which llama.cpp leaves out: the same for text that is NFC already, as nearly all is.
        if (normalizer is null or "NFC" && Text(cut, "type") == "Sequence" && Field(cut, "pretokenizers") is { ValueKind: JsonValueKind.Array } steps
            && steps.GetArrayLength() == 2 && IsQwen2Split(steps[0]) && IsByteLevel(steps[1], hasPattern: false))
            return "qwen2";
        throw new MegaInferException("The tokenizer cannot be exported to GGUF: it cuts text neither as GPT-2's nor as Qwen2's does.");
    }

    private static bool IsQwen2Split(JsonElement step) =>
        Text(step, "type") == "Split" && Text(Field(step, "pattern"), "Regex") == Qwen2Pattern && Text(step, "behavior") == "Isolated" && !Flag(step, "invert", false);

    private static bool IsByteLevel(JsonElement step, bool hasPattern) =>
        Text(step, "type") == "ByteLevel" && !Flag(step, "add_prefix_space", true) && Flag(step, "use_regex", true) == hasPattern;

    private static JsonElement Field(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement field) ? field : default;

    private static string? Text(JsonElement json, string name) => Field(json, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static bool Flag(JsonElement json, string name, bool otherwise) => Field(json, name).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => otherwise,
    };
}
