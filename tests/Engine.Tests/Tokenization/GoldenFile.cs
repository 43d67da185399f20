using System.Text.Json;

namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>One string with the ids and the decoded text that the JavaScript reference gave; null where it gave none of use.</summary>
internal sealed record GoldenCase(string Text, int[] Ids, string? Decoded);

/// <summary>Reads the files that tests/Engine.Tests/golden makes.</summary>
internal static class GoldenFile
{
    /// <summary>The folder of the golden files in the source tree, found from where the test runs.</summary>
    public static string Folder { get; } = FindFolder();

    public static (string? ModelFolder, IReadOnlyList<GoldenCase> Cases) Read(string path)
    {
        JsonElement json = JsonElement.Parse(File.ReadAllText(path));
        List<GoldenCase> cases = [];
        foreach (JsonElement item in json.GetProperty("cases").EnumerateArray())
        {
            string text = item.TryGetProperty("text", out JsonElement plain)
                ? plain.GetString()!
                : new string([.. item.GetProperty("units").EnumerateArray().Select(unit => (char)unit.GetInt32())]);
            int[] ids = [.. item.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            cases.Add(new GoldenCase(text, ids, item.GetProperty("decoded").GetString()));
        }

        return (json.TryGetProperty("folder", out JsonElement folder) ? folder.GetString() : null, cases);
    }

    private static string FindFolder()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "tests", "Engine.Tests", "golden");
            if (Directory.Exists(candidate))
                return candidate;
        }

        throw new DirectoryNotFoundException("tests/Engine.Tests/golden was not found above the test's own folder.");
    }
}
