using System.Text.Json;
using MegaInfer.Engine.ChatTemplates;
using MegaInfer.Engine.Tests.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.ChatTemplates;

/// <summary>Templates of our own, which use what published ones use, against the JavaScript reference.</summary>
public sealed class GoldenTemplateTests
{
    [Theory]
    [InlineData("chatml")]
    [InlineData("mixtral")]
    [InlineData("tools")]
    [InlineData("blocks")]
    [InlineData("macros")]
    [InlineData("harmony")]
    public void Render_OwnTemplate_EqualsReference(string name)
    {
        JsonElement golden = JsonElement.Parse(File.ReadAllBytes(Path.Combine(GoldenFile.Folder, $"template-{name}.golden.json")));
        ChatTemplate template = TemplateGolden.Parse(golden);
        JsonElement[] cases = [.. golden.GetProperty("cases").EnumerateArray()];
        Assert.True(cases.Length >= 20);
        Assert.All(cases, item => Assert.Equal(TemplateGolden.Expected(item), TemplateGolden.Render(template, item.GetProperty("variables"), out _)));
    }
}
