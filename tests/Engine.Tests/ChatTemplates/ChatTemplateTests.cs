using System.Text.Json;
using MegaInfer.Engine.ChatTemplates;
using MegaInfer.Engine.Tests.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.ChatTemplates;

/// <summary>Where templates come from in a model folder, and what they see.</summary>
public sealed class ChatTemplateTests
{
    private static readonly ChatMessage[] Hi = [new("user", "Hi")];

    [Fact]
    public void Load_TemplateOfTokenizerConfig_WritesChatMl()
    {
        ChatTemplate template = ChatTemplate.Load(Path.Combine(GoldenFile.Folder, "tiny-qwen"));
        Assert.Equal("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", template.Render(Hi, addGenerationPrompt: true));
    }

    [Fact]
    public void Load_JinjaFile_WinsOverTokenizerConfig()
    {
        using TemporaryModelFolder folder = TemporaryModelFolder.CopyOf("tiny-qwen");
        folder.Write("chat_template.jinja", "{{ eos_token }}{{ tools is none }}{{ bos_token is defined }}");
        Assert.Equal("<|im_end|>TrueFalse", ChatTemplate.Load(folder.Path).Render(Hi, false));
    }

    [Fact]
    public void Render_NamedTemplates_ToolsChooseTheirOwn()
    {
        using TemporaryModelFolder folder = TemporaryModelFolder.Empty();
        folder.Write("tokenizer_config.json", """
            {"bos_token": {"content": "<s>"}, "chat_template": [{"name": "default", "template": "plain {{ bos_token }}"}, {"name": "tool_use", "template": "tools {{ tools | length }}"}]}
            """);
        ChatTemplate template = ChatTemplate.Load(folder.Path);
        Assert.Equal("plain <s>", template.Render(Hi, false));
        Assert.Equal("tools 2", template.Render(Hi, false, JsonElement.Parse("[{}, {}]")));
    }

    [Fact]
    public void Load_NoTemplate_SaysSo()
    {
        using TemporaryModelFolder folder = TemporaryModelFolder.Empty();
        Assert.Null(ChatTemplate.TryLoad(folder.Path));
        Assert.Contains("no chat template", Assert.Throws<ChatTemplateException>(() => ChatTemplate.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer_config.json", "{\"chat_template\": \"{% if x %}\"}")]
    [InlineData("tokenizer_config.json", "{broken")]
    [InlineData("tokenizer_config.json", "{\"chat_template\": \"\\ud800\"}")]
    [InlineData("chat_template.jinja", "{{ 1 | nofilter }}")]
    public void Load_BadFile_FailsWithItsFolder(string file, string text)
    {
        using TemporaryModelFolder folder = TemporaryModelFolder.Empty();
        folder.Write(file, text);
        Assert.Contains(folder.Path, Assert.Throws<ChatTemplateException>(() => ChatTemplate.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}", "<user>Hi</><assistant>Well,  ")]
    [InlineData("{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</>{% endfor %}", "<user>Hi</><assistant>Well,")]
    [InlineData("{% for m in messages %}<{{ m.role }}>{{ m['content'].split('</think>')[-1].lstrip() + '|' }}{% endfor %}", "<user>Hi|<assistant>Well,  ")]
    public void RenderOpen_LastMessage_EndsBehindItsText(string template, string expected)
    {
        ChatTemplate parsed = ChatTemplate.Parse(template);
        Assert.Equal(expected, parsed.RenderOpen([new("user", "Hi"), new("assistant", "Well,  ")]));
        JsonElement parts = JsonElement.Parse("""{"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}""");
        ChatTemplate joins = ChatTemplate.Parse("{% for p in messages[0].content %}{{ p.text }}{% endfor %} end");
        Assert.Equal("ab", joins.RenderOpen([ChatMessage.FromJson(parts)]));
    }

    [Theory]
    [InlineData("{{ messages[0].role }}", "Well")]
    [InlineData("{{ messages[0].content | upper }}", "Well")]
    [InlineData("{{ messages[0].content }}", null)]
    public void RenderOpen_TextThatTheTemplateDoesNotShow_IsRefused(string template, string? content) =>
        Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template).RenderOpen([new("assistant", content)]));
}
