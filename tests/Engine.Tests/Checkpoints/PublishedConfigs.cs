using System.Runtime.CompilerServices;
using System.Text.Json;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>The configs beside this file, written by hand from what is publicly known of each model.</summary>
internal static class PublishedConfigs
{
    public static IEnumerable<string> Names => Directory.GetFiles(Folder(), "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal);

    public static string Text(string name) => File.ReadAllText(Path.Combine(Folder(), name + ".json"));

    public static ModelSpec Read(string name) => Parse(Text(name));

    public static ModelSpec Parse(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        return ModelConfig.Parse(new ConfigReader("config.json", document.RootElement));
    }

    private static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "configs");
}
