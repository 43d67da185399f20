using System.Text.RegularExpressions;
using Xunit;

namespace MegaInfer.Tidy;

/// <summary>House rules that a compiler does not check.</summary>
public sealed partial class SourceTests
{
    private static readonly string[] InteropFolders = ["kernels/dotnet/", "m2n-comm/dotnet/"];
    private static readonly string[] UnsafeAlso = ["engine/Memory/", "engine/Checkpoints/MappedFile.cs"];

    [Fact]
    public void NativeCalls_StayInTheInteropProjects()
    {
        IEnumerable<string> offenders = Production(".cs")
            .Where(path => !InteropFolders.Any(folder => path.StartsWith(folder, StringComparison.Ordinal)))
            .Where(path => NativeImport().IsMatch(SourceTree.Read(path)) && !IsSystemCall(path));
        Assert.Empty(offenders);
    }

    [Fact]
    public void UnsafeCode_StaysWhereItIsAllowed()
    {
        IEnumerable<string> offenders = Production(".cs")
            .Where(path => !path.StartsWith("rl/", StringComparison.Ordinal) && !path.StartsWith("bench/", StringComparison.Ordinal))
            .Where(path => !InteropFolders.Concat(UnsafeAlso).Any(folder => path.StartsWith(folder, StringComparison.Ordinal)))
            .Where(path => UnsafeKeyword().IsMatch(SourceTree.Read(path)));
        Assert.Empty(offenders);
    }

    [Fact]
    public void Sources_HaveNoLeftoverMarkers()
    {
        IEnumerable<string> offenders = SourceTree.Files(".cs", ".cpp", ".h", ".proto", ".js", ".mjs")
            .Where(path => path != "tests/Tidy/SourceTests.cs")
            .Where(path => Marker().IsMatch(SourceTree.Read(path)));
        Assert.Empty(offenders);
    }

    [Fact]
    public void Namespaces_FollowTheFolders()
    {
        Assert.All(Production(".cs"), path =>
        {
            Match match = NamespaceLine().Match(SourceTree.Read(path));
            if (!match.Success)
                return; // top-level statements and assembly attributes
            string folder = Path.GetFileName(Path.GetDirectoryName(path)!);
            string last = match.Groups[1].Value.Split('.')[^1];
            bool isProjectRoot = Directory.EnumerateFiles(Path.Combine(SourceTree.Root, Path.GetDirectoryName(path)!), "*.csproj").Any();
            Assert.True(isProjectRoot || last == folder, $"{path} has namespace {match.Groups[1].Value}");
        });
    }

    [Fact]
    public void Decisions_AreNumberedOnce()
    {
        IEnumerable<string> numbers = SourceTree.Files(".md").Where(path => path.StartsWith("docs/decisions/", StringComparison.Ordinal))
            .Select(path => Path.GetFileName(path)[..4]);
        Assert.Equal(numbers.Distinct(), numbers);
    }

    [Fact]
    public void LongFiles_SayWhy()
    {
        // Past 400 lines the reason is written at the top of the file, with the word "long".
        IEnumerable<string> offenders = Production(".cs", ".cpp", ".h")
            .Where(path => SourceTree.Read(path) is string text && text.Count(character => character == '\n') > 400
                && !text.Split('\n').Take(20).Any(line => line.Contains("long", StringComparison.OrdinalIgnoreCase)));
        Assert.Empty(offenders);
    }

    private static IEnumerable<string> Production(params string[] extensions) =>
        SourceTree.Files(extensions).Where(path => !path.StartsWith("tests/", StringComparison.Ordinal) && !path.Contains("/tests/", StringComparison.Ordinal));

    // libc itself (signals, pinning a process) may be called where the call is made, in a file named for it.
    private static bool IsSystemCall(string path) => Path.GetFileName(path) is "Libc.cs";

    [GeneratedRegex(@"\[(DllImport|LibraryImport)\(")]
    private static partial Regex NativeImport();

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex UnsafeKeyword();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b")]
    private static partial Regex Marker();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();
}
