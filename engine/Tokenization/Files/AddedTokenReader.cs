using System.Globalization;
using System.Text.Json;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>Reads added tokens of tokenizer.json, and those that only tokenizer_config.json has.</summary>
internal static class AddedTokenReader
{
    public static List<AddedToken> Read(JsonElement? list, JsonElement config)
    {
        List<AddedToken> tokens = [];
        if (list is { ValueKind: not JsonValueKind.Array })
            throw new TokenizerException("\"added_tokens\" is not a list");
        foreach (JsonElement json in list is JsonElement array ? array.EnumerateArray() : default)
            tokens.Add(Token(json, json.Number("id", -1)));
        HashSet<string> known = [.. tokens.Select(token => token.Content)];
        if (config.Field("added_tokens_decoder") is { ValueKind: JsonValueKind.Object } more)
        {
            foreach (JsonProperty entry in more.EnumerateObject())
            {
                if (!int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int id))
                    throw new TokenizerException($"\"added_tokens_decoder\" has the id \"{entry.Name}\", which is not a number");
                AddedToken token = Token(entry.Value, id);
                if (known.Add(token.Content))
                    tokens.Add(token);
            }
        }

        return tokens;
    }

    private static AddedToken Token(JsonElement json, int id)
    {
        string content = json.Text("content") ?? throw new TokenizerException("an added token has no \"content\"");
        if (id < 0)
            throw new TokenizerException($"the added token \"{content}\" has no id");
        bool isSpecial = json.Flag("special");
        return new AddedToken(
            id, content, isSpecial, json.Flag("lstrip"), json.Flag("rstrip"), json.Flag("normalized", !isSpecial), json.Flag("single_word"));
    }
}
