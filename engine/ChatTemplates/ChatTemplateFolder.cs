using System.Text.Json;
using MegaInfer.Engine.Tokenization;
using MegaInfer.Engine.Tokenization.Files;

namespace MegaInfer.Engine.ChatTemplates;

/// <summary>What a model folder says about chat templates.</summary>
/// <param name="Sources">Template sources by name; the usual single one is "default".</param>
/// <param name="SpecialTokens">bos_token and its like, as templates see them.</param>
internal sealed record ChatTemplateFolder(IReadOnlyDictionary<string, string> Sources, Dictionary<string, JsonElement> SpecialTokens)
{
    private const long MaxTemplateBytes = 1 << 22;

    private static readonly string[] TokenNames =
        ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    public static ChatTemplateFolder Read(string modelFolder)
    {
        try
        {
            JsonElement config = ModelFolder.ReadJson(modelFolder, "tokenizer_config.json");
            JsonElement map = ModelFolder.ReadJson(modelFolder, "special_tokens_map.json");
            Dictionary<string, string> sources = [];
            Collect(config, sources);
            Collect(ModelFolder.ReadJson(modelFolder, "chat_template.json"), sources);
            CollectFiles(modelFolder, sources);
            Dictionary<string, JsonElement> tokens = [];
            foreach (string name in TokenNames)
            {
                if ((config.TokenText(name) ?? map.TokenText(name)) is string text)
                    tokens[name] = JsonSerializer.SerializeToElement(text, JsonTexts.Default.String);
            }

            return new ChatTemplateFolder(sources, tokens);
        }
        catch (Exception failure) when (failure is TokenizerException or IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            throw new ChatTemplateException($"The chat template of {modelFolder} cannot be read: {failure.Message}", failure);
        }
    }

    private static void Collect(JsonElement json, Dictionary<string, string> sources)
    {
        switch (json.Field("chat_template"))
        {
            case { ValueKind: JsonValueKind.String } one:
                sources["default"] = one.GetString()!;
                break;
            case { ValueKind: JsonValueKind.Array } several:
                foreach (JsonElement entry in several.EnumerateArray())
                {
                    if (entry.Text("name") is string name && entry.Text("template") is string template)
                        sources[name] = template;
                }

                break;
        }
    }

    private static void CollectFiles(string modelFolder, Dictionary<string, string> sources)
    {
        string single = Path.Combine(modelFolder, "chat_template.jinja");
        if (File.Exists(single))
            sources["default"] = ReadText(single);
        string more = Path.Combine(modelFolder, "additional_chat_templates");
        if (!Directory.Exists(more))
            return;
        foreach (string path in Directory.EnumerateFiles(more, "*.jinja").Order(StringComparer.Ordinal))
            sources[Path.GetFileNameWithoutExtension(path)] = ReadText(path);
    }

    private static string ReadText(string path) => new FileInfo(path).Length <= MaxTemplateBytes
        ? File.ReadAllText(path)
        : throw new ChatTemplateException($"{path} is larger than {MaxTemplateBytes} bytes, which no chat template is.");
}
