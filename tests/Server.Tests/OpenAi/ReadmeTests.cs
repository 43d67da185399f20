using MegaInfer.Server.OpenAi;
using Xunit;

namespace MegaInfer.Server.Tests.OpenAi;

/// <summary>The table for people is the table of the code.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public void Readme_HasEveryParameterWithItsVerdict()
    {
        string[] rows = [.. File.ReadLines(Find()).Where(line => line.StartsWith("| `", StringComparison.Ordinal))];
        foreach (Parameter parameter in ParameterTable.All)
        {
            string verdict = parameter.Verdict switch
            {
                ParameterVerdict.Honoured => "honoured",
                ParameterVerdict.Accepted => "accepted, changes nothing",
                _ => "refused",
            };
            string row = Assert.Single(rows, row => row.StartsWith($"| `{parameter.Name}` |", StringComparison.Ordinal));
            Assert.EndsWith($"| {verdict} | {parameter.Note} |", row, StringComparison.Ordinal);
        }

        Assert.Equal(ParameterTable.All.Count, rows.Length);
    }

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MegaInfer.sln")))
            folder = folder.Parent;
        return Path.Combine(folder!.FullName, "server", "OpenAi", "README.md");
    }
}
