using System.Text.Json;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>Which special tokens go before and after a text.</summary>
internal static class PostProcessorReader
{
    /// <summary>Reads the template of a single text.</summary>
    /// <param name="json">"post_processor" of tokenizer.json.</param>
    public static (int[] Before, int[] After) Read(JsonElement? json)
    {
        if (json is not JsonElement element)
            return ([], []);
        string? type = element.Text("type");
        switch (type)
        {
            case "ByteLevel":
                return ([], []);
            case "TemplateProcessing":
                return ReadTemplate(element);
            case "Sequence":
                List<int> before = [];
                List<int> after = [];
                foreach (JsonElement step in element.Items("processors"))
                {
                    (int[] first, int[] last) = Read(step);
                    before.InsertRange(0, first);
                    after.AddRange(last);
                }

                return ([.. before], [.. after]);
            default:
                throw new TokenizerException($"the post-processor \"{type}\" is not supported");
        }
    }

    private static (int[] Before, int[] After) ReadTemplate(JsonElement json)
    {
        List<int> before = [];
        List<int> after = [];
        bool textSeen = false;
        foreach (JsonElement item in json.Items("single"))
        {
            if (item.Field("SpecialToken")?.Text("id") is not string name)
            {
                textSeen = true;
                continue;
            }

            JsonElement? ids = json.Field("special_tokens")?.Field(name)?.Field("ids");
            if (ids is not { ValueKind: JsonValueKind.Array } list)
                throw new TokenizerException($"the post-processor names \"{name}\" but gives it no ids");
            foreach (JsonElement id in list.EnumerateArray())
                (textSeen ? after : before).Add(id.TryGetInt32(out int value) ? value : throw new TokenizerException("an id is not a whole number"));
        }

        return ([.. before], [.. after]);
    }
}
