using System.Xml.Linq;
using Xunit;

namespace MegaInfer.Tidy;

/// <summary>The arrows between projects are those of ARCHITECTURE.md, and no others.</summary>
public sealed class ReferenceTests
{
    // Project -> what it may reference. Tests and benchmarks may reference anything, nothing may reference them.
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["MegaInfer.Proto"] = [],
        ["MegaInfer.Engine"] = [],
        ["MegaInfer.Kernels"] = ["MegaInfer.Engine"],
        ["MegaInfer.M2N"] = ["MegaInfer.Engine"],
        ["MegaInfer.Node"] = ["MegaInfer.Engine", "MegaInfer.Proto", "MegaInfer.Kernels", "MegaInfer.M2N"],
        ["MegaInfer.Server"] = ["MegaInfer.Engine", "MegaInfer.Proto"],
        ["MegaInfer.AttentionNodes"] = ["MegaInfer.Engine", "MegaInfer.Proto", "MegaInfer.Node", "MegaInfer.Kernels", "MegaInfer.M2N"],
        ["MegaInfer.ExpertNodes"] = ["MegaInfer.Engine", "MegaInfer.Proto", "MegaInfer.Node", "MegaInfer.Kernels", "MegaInfer.M2N"],
        ["MegaInfer.Rl"] = ["MegaInfer.Engine", "MegaInfer.Proto"],
    };

    public static TheoryData<string> Projects() => [.. SourceTree.Files(".csproj")];

    [Theory]
    [MemberData(nameof(Projects))]
    public void ProjectReferences_AreInThePicture(string project)
    {
        if (IsTestOrBench(project))
            return;

        string name = Path.GetFileNameWithoutExtension(project);
        Assert.True(Allowed.TryGetValue(name, out string[]? allowed), $"{project} is not in the picture: add it to ARCHITECTURE.md and here.");
        IEnumerable<string> references = XDocument.Parse(SourceTree.Read(project)).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.All(references, reference => Assert.True(allowed.Contains(reference), $"{name} must not reference {reference}."));
    }

    [Fact]
    public void EveryProject_IsInTheSolution()
    {
        string solution = SourceTree.Read("MegaInfer.sln").Replace('\\', '/');
        Assert.All(SourceTree.Files(".csproj"), project => Assert.Contains(project, solution, StringComparison.Ordinal));
    }

    [Fact]
    public void TorchSharp_StaysOutOfTheServingPath()
    {
        IEnumerable<string> users = SourceTree.Files(".csproj").Where(project => SourceTree.Read(project).Contains("TorchSharp", StringComparison.Ordinal));
        Assert.All(users, project => Assert.True(project.StartsWith("rl/", StringComparison.Ordinal) || IsTestOrBench(project), project));
    }

    [Fact]
    public void EveryPackage_HasItsLineOfReason()
    {
        string[] lines = SourceTree.Read("Directory.Packages.props").Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Contains("<PackageVersion", StringComparison.Ordinal))
                Assert.True(lines[i - 1].TrimEnd().EndsWith("-->", StringComparison.Ordinal), $"No reason above: {lines[i].Trim()}");
        }
    }

    private static bool IsTestOrBench(string project) =>
        project.StartsWith("tests/", StringComparison.Ordinal) || project.StartsWith("bench/", StringComparison.Ordinal);
}
