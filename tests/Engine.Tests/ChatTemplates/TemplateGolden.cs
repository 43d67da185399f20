using System.Text.Json;
using MegaInfer.Engine.ChatTemplates;

namespace MegaInfer.Engine.Tests.ChatTemplates;

/// <summary>Renders the cases of golden files, which hold a template, its special tokens, and the variables of each case.</summary>
internal static class TemplateGolden
{
    /// <summary>What a rendering that fails is compared as: the two engines word their errors differently.</summary>
    public const string Error = "<<error>>";

    public static ChatTemplate Parse(JsonElement golden)
    {
        Dictionary<string, string> special = [];
        foreach (JsonProperty token in golden.GetProperty("special").EnumerateObject())
            special[token.Name] = token.Value.GetString()!;
        return ChatTemplate.Parse(golden.GetProperty("template").GetString()!, special, new FixedClock());
    }

    /// <summary>The text that the reference gave, or <see cref="Error"/>.</summary>
    public static string Expected(JsonElement result) => result.TryGetProperty("text", out JsonElement text) ? text.GetString()! : Error;

    public static string Render(ChatTemplate template, JsonElement variables, out string? error)
    {
        Dictionary<string, JsonElement> extra = [];
        foreach (JsonProperty variable in variables.EnumerateObject())
        {
            if (variable.Name is not ("messages" or "tools" or "add_generation_prompt"))
                extra[variable.Name] = variable.Value;
        }

        ChatMessage[] messages = [.. variables.GetProperty("messages").EnumerateArray().Select(ChatMessage.FromJson)];
        JsonElement? tools = variables.TryGetProperty("tools", out JsonElement list) ? list : null;
        error = null;
        try
        {
            return template.Render(messages, variables.GetProperty("add_generation_prompt").GetBoolean(), tools, extra);
        }
        catch (ChatTemplateException failure)
        {
            error = failure.Message;
            return Error;
        }
    }

    // The same moment as in render.mjs's clock.
    private sealed class FixedClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2026, 2, 7, 13, 5, 9, TimeSpan.Zero);
    }
}
