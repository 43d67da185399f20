using System.Text.RegularExpressions;
using Xunit;

namespace MegaInfer.Tidy;

/// <summary>Documents that go stale fail here: the folder map, the types on the token's path, the glossary, links.</summary>
public sealed partial class DocumentTests
{
    [Fact]
    public void ReadmeMap_NamesEveryTopFolder()
    {
        string readme = SourceTree.Read("README.md");
        IEnumerable<string> folders = Directory.EnumerateDirectories(SourceTree.Root).Select(path => Path.GetFileName(path)!)
            .Where(name => !name.StartsWith('.') && name is not ("artifacts" or "build" or "node_modules"));
        Assert.All(folders, folder => Assert.Contains($"`{folder}/`", readme, StringComparison.Ordinal));
    }

    [Fact]
    public void Architecture_NamesOnlyTypesThatExist()
    {
        string sources = string.Join('\n', SourceTree.Files(".cs").Select(SourceTree.Read));
        IEnumerable<string> types = TypeRow().Matches(SourceTree.Read("ARCHITECTURE.md")).Select(match => match.Groups[1].Value);
        Assert.True(types.Count() >= 15, "ARCHITECTURE.md lists the types on the token's path");
        Assert.All(types, type => Assert.Matches($@"\b(class|struct|record|interface|enum)\s+{type}\b", sources));
    }

    [Fact]
    public void Links_PointToFiles()
    {
        foreach (string document in SourceTree.Files(".md"))
        {
            string folder = Path.GetDirectoryName(Path.Combine(SourceTree.Root, document))!;
            foreach (Match link in Link().Matches(SourceTree.Read(document)))
            {
                string target = link.Groups[1].Value.Split('#')[0];
                if (target.Length > 0 && !target.Contains("://", StringComparison.Ordinal))
                    Assert.True(Path.Exists(Path.Combine(folder, target)), $"{document} links to {target}, which does not exist.");
            }
        }
    }

    // A row of the table of types: | 1 | `ChatCompletionsEndpoint` | ...
    [GeneratedRegex(@"^\| \d+ \| `(\w+)`", RegexOptions.Multiline)]
    private static partial Regex TypeRow();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
