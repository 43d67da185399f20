using System.Text.Json;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>Finds out which ids begin and end a text, from the several files that say so.</summary>
internal sealed class SpecialTokenReader
{
    private readonly JsonElement _config;
    private readonly JsonElement _specialTokensMap;
    private readonly JsonElement _generationConfig;
    private readonly JsonElement _modelConfig;
    private readonly Func<string, int> _idOf;

    /// <param name="folder">The model folder.</param>
    /// <param name="config">Content of tokenizer_config.json.</param>
    /// <param name="idOf">The id of an added token by its text, or -1.</param>
    public SpecialTokenReader(string folder, JsonElement config, Func<string, int> idOf)
    {
        _config = config;
        _idOf = idOf;
        _specialTokensMap = ModelFolder.ReadJson(folder, "special_tokens_map.json");
        _generationConfig = ModelFolder.ReadJson(folder, "generation_config.json");
        _modelConfig = ModelFolder.ReadJson(folder, "config.json");
    }

    public int? BosId => Named("bos_token") ?? Numbered(_generationConfig, "bos_token_id").Cast<int?>().FirstOrDefault();

    /// <summary>The tokenizer's own end token and those of generation_config.json; config.json's only where neither has one.</summary>
    public IReadOnlyList<int> EosIds
    {
        get
        {
            List<int> ids = [];
            if (Named("eos_token") is int id)
                ids.Add(id);
            ids.AddRange(Numbered(_generationConfig, "eos_token_id"));
            if (ids.Count == 0)
                ids.AddRange(Numbered(_modelConfig, "eos_token_id"));
            return [.. ids.Distinct()];
        }
    }

    private int? Named(string name)
    {
        string? text = _config.TokenText(name) ?? _specialTokensMap.TokenText(name);
        return text is not null && _idOf(text) is int id and >= 0 ? id : null;
    }

    private static IEnumerable<int> Numbered(JsonElement json, string name)
    {
        JsonElement? field = json.Field(name);
        IEnumerable<JsonElement> values = field switch
        {
            null => [],
            { ValueKind: JsonValueKind.Array } array => array.EnumerateArray(),
            JsonElement one => [one],
        };
        foreach (JsonElement value in values)
        {
            if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out int id) || id < 0)
                throw new TokenizerException($"\"{name}\" is not a token id");
            yield return id;
        }
    }
}
