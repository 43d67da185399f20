using MegaInfer.Engine.ChatTemplates;
using Xunit;

namespace MegaInfer.Engine.Tests.ChatTemplates;

/// <summary>Templates that nest further than any stack.</summary>
public sealed class JinjaNestingTests
{
    [Fact]
    public void Render_DeeplyNested_FailsInsteadOfOverflowingTheStack()
    {
        string[] deep =
        [
            "{{ " + new string('(', 20_000) + " }}",
            "{{ " + new string('[', 20_000) + " }}",
            "{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 20_000)) + " }}",
            "{{ x" + string.Concat(Enumerable.Repeat(".a", 20_000)) + " }}",
            "{{ x" + string.Concat(Enumerable.Repeat(" | trim", 20_000)) + " }}",
            "{{ " + string.Concat(Enumerable.Repeat("not ", 20_000)) + "x }}",
            "{{ " + string.Concat(Enumerable.Repeat("- ", 20_000)) + "1 }}",
            "{{ " + string.Concat(Enumerable.Repeat("1 if x else ", 20_000)) + "1 }}",
            string.Concat(Enumerable.Repeat("{% if true %}", 20_000)),
            string.Concat(Enumerable.Repeat("{% for i in [1] %}", 1_000)) + string.Concat(Enumerable.Repeat("{% endfor %}", 1_000)),
            "{% set (" + new string('(', 20_000) + " = 1 %}",
        ];
        foreach (string template in deep)
            Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template).Render([], false));
    }
}
