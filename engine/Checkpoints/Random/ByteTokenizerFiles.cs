using System.Text.Encodings.Web;
using System.Text.Json;

namespace MegaInfer.Engine.Checkpoints.Random;

/// <summary>
/// Writes tokenizer.json and tokenizer_config.json of a byte-level tokenizer: ids 0..255 are the bytes, then three special tokens, then filler words that no text
/// encodes to but that every sampled id decodes to.
/// </summary>
internal static class ByteTokenizerFiles
{
    public const int EndOfText = 256;
    public const int MessageStart = 257;
    public const int MessageEnd = 258;

    /// <summary>The smallest vocabulary that such a tokenizer needs.</summary>
    public const int MinimumVocabulary = 259;

    private const string ChatTemplate =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    private static readonly string[] SpecialTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(string folder, int vocabularySize)
    {
        WriteTokenizer(Path.Combine(folder, "tokenizer.json"), vocabularySize);
        WriteConfig(Path.Combine(folder, "tokenizer_config.json"));
    }

    private static void WriteTokenizer(string path, int vocabularySize)
    {
        using FileStream stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, Indented);
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        for (int i = 0; i < SpecialTokens.Length; i++)
            WriteAddedToken(json, EndOfText + i, SpecialTokens[i]);
        json.WriteEndArray();
        json.WriteNull("normalizer");
        WriteByteLevel(json, "pre_tokenizer");
        json.WriteNull("post_processor");
        WriteByteLevel(json, "decoder");
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteNull("unk_token");
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteStartObject("vocab");
        for (int value = 0; value < 256; value++)
            json.WriteNumber(ByteText(value), value);
        for (int id = MinimumVocabulary; id < vocabularySize; id++)
            json.WriteNumber($"{ByteText(' ')}w{id}", id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteConfig(string path)
    {
        using FileStream stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, Indented);
        json.WriteStartObject();
        json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
        json.WriteBoolean("add_bos_token", false);
        json.WriteBoolean("clean_up_tokenization_spaces", false);
        json.WriteNull("bos_token");
        json.WriteString("eos_token", SpecialTokens[MessageEnd - EndOfText]);
        json.WriteString("pad_token", SpecialTokens[0]);
        json.WriteString("chat_template", ChatTemplate);
        json.WriteEndObject();
    }

    private static void WriteAddedToken(Utf8JsonWriter json, int id, string content)
    {
        json.WriteStartObject();
        json.WriteNumber("id", id);
        json.WriteString("content", content);
        json.WriteBoolean("single_word", false);
        json.WriteBoolean("lstrip", false);
        json.WriteBoolean("rstrip", false);
        json.WriteBoolean("normalized", false);
        json.WriteBoolean("special", true);
        json.WriteEndObject();
    }

    private static void WriteByteLevel(Utf8JsonWriter json, string name)
    {
        json.WriteStartObject(name);
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", true);
        json.WriteEndObject();
    }

    /// <summary>The printable stand-in that byte-level tokenizers use for a byte: itself where printable, else the next code point from 256 on.</summary>
    private static string ByteText(int value)
    {
        if (IsPrintable(value))
            return ((char)value).ToString();
        int rank = Enumerable.Range(0, value).Count(other => !IsPrintable(other));
        return ((char)(256 + rank)).ToString();
    }

    private static bool IsPrintable(int value) => value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
}
