using System.Text.Json;

namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>Reads the files that the scripts of tests/Engine.Tests/golden make.</summary>
internal static class GoldenFile
{
    /// <summary>The folder of the golden files in the source tree, found from where the test runs.</summary>
    public static string Folder { get; } = FindFolder();

    public static GoldenTokens ReadTokens(string path)
    {
        JsonElement json = JsonElement.Parse(File.ReadAllBytes(path));
        string? folder = json.TryGetProperty("folder", out JsonElement value) ? value.GetString() : null;
        GoldenCase[] random = json.TryGetProperty("random", out JsonElement more) ? [.. more.EnumerateArray().Select(ReadCase)] : [];
        return new GoldenTokens(folder, [.. json.GetProperty("cases").EnumerateArray().Select(ReadCase)], random);
    }

    private static GoldenCase ReadCase(JsonElement json) => new(
        json.TryGetProperty("text", out JsonElement plain) ? plain.GetString()!
            : json.TryGetProperty("units", out JsonElement units) ? new string([.. units.EnumerateArray().Select(unit => (char)unit.GetInt32())])
            : "",
        [.. json.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())],
        json.GetProperty("decoded").GetString(),
        json.TryGetProperty("plain", out JsonElement withoutSpecial) ? withoutSpecial.GetString() : null,
        json.TryGetProperty("raw", out JsonElement isSameRaw) ? isSameRaw.GetBoolean() : null);

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
