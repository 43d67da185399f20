using System.Diagnostics;
using Xunit;

namespace MegaInfer.ExpertNodes.Tests.Control;

/// <summary>The executable itself: how it ends when there is nobody to serve.</summary>
public sealed class ExpertNodeProcessTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private const string DeadPort = "127.0.0.1:1";

    [Fact]
    public async Task Child_WithoutAServer_EndsNonZeroInASentence()
    {
        using Process node = Start("--join", DeadPort, "--child-index", "0");
        string errors = await node.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await node.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Bound, TestContext.Current.CancellationToken);
        Assert.Equal(3, node.ExitCode);
        Assert.Equal($"No server answers at {DeadPort}; start it first, or correct --join.\n", errors);
    }

    [Fact]
    public async Task FromOutside_StdinCloses_Ends()
    {
        using Process node = Start("--join", DeadPort, "--exit-on-stdin-eof");
        Assert.Contains("dialling", await node.StandardError.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.False(node.HasExited);
        node.StandardInput.Close();
        await node.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Bound, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("--join")]
    [InlineData("HOST:PORT", "--join", "nonsense")]
    [InlineData("not a list of cores", "--join", DeadPort, "--cores", "x")]
    [InlineData("--thread", "--join", DeadPort, "--thread", "2")]
    public async Task WrongFlag_IsOneSentenceAndNonZero(string expected, params string[] args)
    {
        using Process node = Start(args);
        string errors = await node.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await node.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Bound, TestContext.Current.CancellationToken);
        Assert.Equal(1, node.ExitCode);
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    private static Process Start(params string[] args)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "megainfer-expert-node.dll"), .. args])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }
}
