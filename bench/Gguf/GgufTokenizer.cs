using System.Text.Json;
using MegaInfer.Engine;
using MegaInfer.Engine.Tokenization;

namespace MegaInfer.Bench.Gguf;

/// <summary>
/// The tokenizer of a model folder as GGUF metadata: every id's token in the byte alphabet, its type, the merges in order of rank, the ids that begin and end texts, and the
/// chat template. Byte-level BPE only.
/// </summary>
internal sealed class GgufTokenizer
{
    /// <summary>Stands for no merges at all: ik_llama.cpp complains into its results about an empty list, and nothing can join what no merge has made.</summary>
    private const string NeverMerged = "no merges";

    private readonly string _folder;
    private readonly JsonElement _file;
    private readonly Tokenizer _tokenizer;
    private readonly string[] _tokens;
    private readonly int[] _types;

    private GgufTokenizer(string folder, JsonElement file, int vocabularySize)
    {
        _folder = folder;
        _file = file;
        _tokenizer = Tokenizer.Load(folder);
        // What no token has must still be there, by a name of its own, and is never found in text.
        _tokens = [.. Enumerable.Range(0, vocabularySize).Select(id => $"[PAD{id}]")];
        _types = [.. Enumerable.Repeat((int)TokenType.Unused, vocabularySize)];
    }

    // The values of llama_token_type.
    private enum TokenType
    {
        Normal = 1,
        Control = 3,
        UserDefined = 4,
        Unused = 5,
    }

    /// <summary>Adds the tokenizer of <paramref name="folder"/>, or says that there is none where the folder has none.</summary>
    /// <exception cref="MegaInferException">llama.cpp would tokenize differently, or a file is damaged.</exception>
    public static void AddTo(GgufMetadata metadata, string folder, int vocabularySize)
    {
        string path = Path.Combine(folder, "tokenizer.json");
        if (!File.Exists(path))
        {
            metadata.Add("tokenizer.ggml.model", "no_vocab");
            return;
        }

        try
        {
            using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(path));
            new GgufTokenizer(folder, file.RootElement, vocabularySize).AddTo(metadata);
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException or IOException)
        {
            throw new MegaInferException($"{path} cannot be exported to GGUF: {failure.Message}", failure);
        }
    }

    private void AddTo(GgufMetadata metadata)
    {
        JsonElement model = _file.GetProperty("model");
        foreach (string unlike in new[] { "byte_fallback", "ignore_merges" })
        {
            if (model.TryGetProperty(unlike, out JsonElement flag) && flag.ValueKind == JsonValueKind.True)
                throw new MegaInferException($"The tokenizer cannot be exported to GGUF: it has \"{unlike}\".");
        }

        metadata.Add("tokenizer.ggml.model", "gpt2");
        metadata.Add("tokenizer.ggml.pre", GgufPreTokenizer.NameOf(_file));
        CollectTokens(model);
        metadata.Add("tokenizer.ggml.tokens", _tokens);
        metadata.Add("tokenizer.ggml.token_type", _types);
        metadata.Add("tokenizer.ggml.merges", [.. model.GetProperty("merges").EnumerateArray().Select(Merge).DefaultIfEmpty(NeverMerged)]);
        AddEnds(metadata);
        if (ChatTemplate() is { } template)
            metadata.Add("tokenizer.chat_template", template);
    }

    private void CollectTokens(JsonElement model)
    {
        foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject())
            Set(token.Value.GetInt32(), token.Name, TokenType.Normal);
        foreach (JsonElement token in _file.GetProperty("added_tokens").EnumerateArray())
        {
            TokenType type = token.GetProperty("special").GetBoolean() ? TokenType.Control : TokenType.UserDefined;
            Set(token.GetProperty("id").GetInt32(), token.GetProperty("content").GetString()!, type);
        }

        for (int id = 0; id < _tokens.Length; id++)
        {
            if (_types[id] == (int)TokenType.Unused && !_tokenizer.TokenBytes(id).IsEmpty)
                throw new MegaInferException($"The tokenizer cannot be exported to GGUF: token {id} stands in another file than tokenizer.json.");
        }

        if (_tokens.Distinct(StringComparer.Ordinal).Count() < _tokens.Length)
            throw new MegaInferException("The tokenizer cannot be exported to GGUF: two ids have the same token.");
    }

    private void Set(int id, string text, TokenType type)
    {
        if (id < 0 || id >= _tokens.Length)
            throw new MegaInferException($"The tokenizer cannot be exported to GGUF: token {id} is beyond the model's {_tokens.Length}.");
        _tokens[id] = text;
        _types[id] = (int)type;
    }

    private static string Merge(JsonElement merge) =>
        merge.ValueKind == JsonValueKind.String ? merge.GetString()! : $"{merge[0].GetString()} {merge[1].GetString()}";

    private void AddEnds(GgufMetadata metadata)
    {
        // An id that is not stated would be 11, which is an ordinary token here.
        if (_tokenizer.EosIds.Count == 0)
            throw new MegaInferException("The tokenizer cannot be exported to GGUF: no token ends a text.");
        metadata.Add("tokenizer.ggml.eos_token_id", _tokenizer.EosIds[0]);
        if (_tokenizer.EosIds.Count > 1)
            metadata.Add("tokenizer.ggml.eot_token_id", _tokenizer.EosIds[1]);
        metadata.Add("tokenizer.ggml.bos_token_id", _tokenizer.BosId ?? _tokenizer.EosIds[^1]);
        int[] around = _tokenizer.Encode("", addSpecialTokens: true, parseSpecial: false);
        if (around.Length > 0 && !(around.Length == 1 && around[0] == _tokenizer.BosId))
            throw new MegaInferException("The tokenizer cannot be exported to GGUF: it puts more around a text than a begin token.");
        metadata.Add("tokenizer.ggml.add_bos_token", around.Length > 0);
        metadata.Add("tokenizer.ggml.add_eos_token", false);
    }

    private string? ChatTemplate()
    {
        string single = Path.Combine(_folder, "chat_template.jinja");
        if (File.Exists(single))
            return File.ReadAllText(single);
        string path = Path.Combine(_folder, "tokenizer_config.json");
        if (!File.Exists(path))
            return null;
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(path));
        return config.RootElement.TryGetProperty("chat_template", out JsonElement template) && template.ValueKind == JsonValueKind.String ? template.GetString() : null;
    }
}
