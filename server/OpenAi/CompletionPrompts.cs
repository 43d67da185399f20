using System.Text.Json;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.OpenAi;

/// <summary>Reads <c>prompt</c> in its four forms: a string, a list of strings, token ids, a list of lists of token ids.</summary>
internal static class CompletionPrompts
{
    private const int MaxPrompts = 2048;

    /// <summary>The token ids of each prompt.</summary>
    /// <exception cref="ApiException">It is missing, empty or of another form.</exception>
    public static IReadOnlyList<int[]> Read(RequestBody body, ModelText text)
    {
        JsonElement prompt = body.Find("prompt") ?? throw ApiException.Invalid("prompt", "Missing required parameter: 'prompt'.", "missing_required_parameter");
        if (prompt.ValueKind == JsonValueKind.String)
            return [text.EncodePlain(prompt.GetString()!)];
        if (prompt.ValueKind != JsonValueKind.Array)
            throw ApiException.WrongType("prompt", "a string, a list of strings, or token ids", RequestBody.Describe(prompt));
        int count = prompt.GetArrayLength();
        if (count == 0)
            throw ApiException.Invalid("prompt", "'prompt' is an empty list; give at least one prompt.");
        if (prompt[0].ValueKind == JsonValueKind.Number)
            return [RequestBody.TokenIdsOf(prompt, "prompt")];
        if (count > MaxPrompts)
            throw ApiException.Invalid("prompt", $"'prompt' has {count} prompts; at most {MaxPrompts} are allowed in one request.");
        bool areTexts = prompt[0].ValueKind == JsonValueKind.String;
        return [.. prompt.EnumerateArray().Select((entry, i) => ReadEntry(entry, $"prompt[{i}]", areTexts, text))];
    }

    private static int[] ReadEntry(JsonElement entry, string name, bool areTexts, ModelText text)
    {
        if (!areTexts)
            return RequestBody.TokenIdsOf(entry, name);
        return entry.ValueKind == JsonValueKind.String
            ? text.EncodePlain(entry.GetString()!)
            : throw ApiException.WrongType(name, "a string, as the first prompt is", RequestBody.Describe(entry));
    }
}
