using System.Text.Json;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>The small JSON files of a Hugging Face model folder.</summary>
internal static class ModelFolder
{
    private static readonly JsonElement Empty = JsonElement.Parse("{}");

    /// <summary>An object of one of the folder's JSON files; an empty one where the file does not exist.</summary>
    /// <exception cref="TokenizerException">The file is not a JSON object.</exception>
    public static JsonElement ReadJson(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        if (!File.Exists(path))
            return Empty;
        try
        {
            JsonElement json = JsonElement.Parse(File.ReadAllText(path));
            return json.ValueKind == JsonValueKind.Object
                ? json
                : throw new TokenizerException($"{path} cannot be used: it is not a JSON object; download it again.");
        }
        catch (Exception failure) when (failure is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException($"{path} cannot be read: {failure.Message}", failure);
        }
    }
}
