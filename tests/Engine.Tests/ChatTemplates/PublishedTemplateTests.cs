using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MegaInfer.Engine.ChatTemplates;
using MegaInfer.Engine.Tests.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.ChatTemplates;

/// <summary>
/// A hundred published chat templates on the same conversations as the JavaScript reference. Where that does not print what Python prints, Python's text
/// counts: python-differences.golden.json has it, as a hash.
/// </summary>
public sealed class PublishedTemplateTests
{
    [Fact]
    public void Render_PublishedTemplates_EqualsReference()
    {
        JsonElement golden = JsonElement.Parse(File.ReadAllBytes(GoldenPackages.Answers("templates.json")));
        JsonElement[] conversations = [.. golden.GetProperty("conversations").EnumerateArray()];
        JsonElement python = JsonElement.Parse(File.ReadAllBytes(Path.Combine(GoldenFile.Folder, "python-differences.golden.json")));
        JsonElement[] templates = [.. golden.GetProperty("templates").EnumerateArray()];
        Assert.True(templates.Length >= 100 && conversations.Length >= 100);
        List<string> wrong = [];
        foreach (JsonElement published in templates)
        {
            string name = published.GetProperty("name").GetString()!;
            ChatTemplate template = TemplateGolden.Parse(published);
            JsonElement[] results = [.. published.GetProperty("results").EnumerateArray()];
            JsonElement differences = python.TryGetProperty(name, out JsonElement some) ? some : default;
            for (int i = 0; i < conversations.Length; i++)
            {
                string actual = TemplateGolden.Render(template, conversations[i], out string? error);
                bool isPythons = differences.ValueKind == JsonValueKind.Object && differences.TryGetProperty($"{i}", out JsonElement hash)
                    && hash.GetString() != null;
                string expected = isPythons ? differences.GetProperty($"{i}").GetString()! : TemplateGolden.Expected(results[i]);
                if ((isPythons ? HashOf(actual) : actual) != expected)
                    wrong.Add($"{name}, conversation {i}{(isPythons ? " (Python)" : "")}: expected <<{expected}>> got <<{actual}>> {error}");
            }
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} differ:\n" + string.Join('\n', wrong.Take(10)));
    }

    private static string HashOf(string text) =>
        text == TemplateGolden.Error ? text : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
}
