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
                string? pythons = differences.ValueKind == JsonValueKind.Object && differences.TryGetProperty($"{i}", out JsonElement hash) ? hash.GetString() : null;
                string expected = pythons ?? TemplateGolden.Expected(results[i]);
                if ((pythons is null ? actual : HashOf(actual)) != expected)
                    wrong.Add($"{name}, conversation {i}{(pythons is null ? "" : " (Python)")}: expected <<{expected}>> got <<{actual}>> {error}");
            }
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} differ:\n" + string.Join('\n', wrong.Take(10)));
    }

    // The prompt that leaves the last message open is the beginning of the one that closes it, but for white space at its end: where a template strips it
    // and then writes a space of its own, transformers keeps it, and so do we.
    [Fact]
    public void RenderOpen_PublishedTemplates_IsABeginningOfTheWholePrompt()
    {
        JsonElement golden = JsonElement.Parse(File.ReadAllBytes(GoldenPackages.Answers("templates.json")));
        int open = 0;
        foreach (JsonElement published in golden.GetProperty("templates").EnumerateArray())
        {
            ChatTemplate template = TemplateGolden.Parse(published);
            foreach (string content in (string[])["Well", "Well, \n", " 好😀", "<think>\nso\n</think>\n\nIt is"])
            {
                ChatMessage[] messages = [new("user", "Hi"), new("assistant", "Yes?"), new("user", "Go on"), new("assistant", content)];
                string? prompt = Record.Exception(() => template.Render(messages, addGenerationPrompt: false)) is null
                    && Record.Exception(() => template.RenderOpen(messages)) is null ? template.RenderOpen(messages) : null;
                if (prompt is null)
                    continue;
                Assert.StartsWith(prompt.TrimEnd(), template.Render(messages, addGenerationPrompt: false), StringComparison.Ordinal);
                Assert.EndsWith(content.Split('\n')[^1].Trim(), prompt.TrimEnd(), StringComparison.Ordinal);
                open++;
            }
        }

        Assert.True(open > 300, $"only {open} prompts could be left open");
    }

    private static string HashOf(string text) =>
        text == TemplateGolden.Error ? text : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
}
