using MegaInfer.Engine.Tests.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.ChatTemplates;

/// <summary>Templates against the JavaScript reference: our own always, the published ones where they are installed.</summary>
public sealed class GoldenTemplateTests
{
    [Theory]
    [InlineData("chatml")]
    [InlineData("mixtral")]
    [InlineData("tools")]
    [InlineData("blocks")]
    [InlineData("macros")]
    public void Render_OwnTemplate_EqualsReference(string name) =>
        AssertEqual(Path.Combine(GoldenFile.Folder, $"template-{name}.golden.json"));

    [Theory]
    [InlineData("qwen3")]
    [InlineData("deepseek_v3")]
    [InlineData("llama3")]
    public void Render_RealTemplate_EqualsReference(string name)
    {
        string path = Path.Combine(GoldenFile.Folder, "node_modules", ".golden", name + ".template.json");
        if (!File.Exists(path))
            Assert.Skip($"The {name} chat template is not installed; run 'npm install && npm run real' in tests/Engine.Tests/golden.");
        AssertEqual(path);
    }

    private static void AssertEqual(string path)
    {
        (IReadOnlyList<string> wrong, int count) = TemplateGolden.Compare(path);
        Assert.True(count >= 20, $"{path} has only {count} cases.");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {count} differ:\n" + string.Join('\n', wrong.Take(10)));
    }
}
