using System.Text.Json;
using MegaInfer.Engine.ChatTemplates;

namespace MegaInfer.Engine.Tests.ChatTemplates;

/// <summary>Renders every case of a golden file and compares with what the JavaScript reference rendered.</summary>
internal static class TemplateGolden
{
    /// <summary>Differences as readable lines, and the number of cases.</summary>
    public static (IReadOnlyList<string> Wrong, int Count) Compare(string path)
    {
        JsonElement golden = JsonElement.Parse(File.ReadAllText(path));
        Dictionary<string, string> special = [];
        foreach (JsonProperty token in golden.GetProperty("special").EnumerateObject())
            special[token.Name] = token.Value.GetString()!;
        ChatTemplate template = ChatTemplate.Parse(golden.GetProperty("template").GetString()!, special);
        List<string> wrong = [];
        int count = 0;
        foreach (JsonElement item in golden.GetProperty("cases").EnumerateArray())
        {
            count++;
            string expected = item.TryGetProperty("text", out JsonElement text) ? text.GetString()! : "error";
            string actual = Render(template, item.GetProperty("variables"), out string? error);
            if (actual != expected)
                wrong.Add($"case {count}: expected <<{expected}>> got <<{actual}>> {error} {(expected == "error" ? item.GetProperty("error").GetString() : "")}");
        }

        return (wrong, count);
    }

    private static string Render(ChatTemplate template, JsonElement variables, out string? error)
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
            return "error";
        }
    }
}
