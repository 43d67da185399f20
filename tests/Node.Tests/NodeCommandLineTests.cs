using MegaInfer.Engine;
using Xunit;

namespace MegaInfer.Node.Tests;

public sealed class NodeCommandLineTests
{
    [Fact]
    public async Task Invoke_EveryOption_ReachesTheNode()
    {
        string secret = Path.GetTempFileName();
        await File.WriteAllTextAsync(secret, " opensesame\n", TestContext.Current.CancellationToken);
        NodeOptions options = await ReadAsync(
            "--join", "host:9000", "--child-index", "2", "--model", "/m", "--secret-file", secret, "--cores", "0-1", "--threads", "3", "--backend", "avx2",
            "--m2n-interface", "eth1", "--exit-on-stdin-eof");
        File.Delete(secret);
        Assert.Equal(new Uri("http://host:9000"), options.Server);
        Assert.Equal(2, options.ChildIndex);
        Assert.True(options.IsChild);
        Assert.Equal("/m", options.ModelFolder);
        Assert.Equal("opensesame"u8.ToArray(), options.Secret.ToArray());
        Assert.Equal([0, 1], options.Cores);
        Assert.Equal(3, options.Threads);
        Assert.Equal("avx2", options.Backend);
        Assert.Equal("eth1", options.M2NInterface);
        Assert.True(options.ExitsOnStdinEof);
    }

    [Fact]
    public async Task Invoke_OnlyJoin_LeavesTheRestToTheServer()
    {
        NodeOptions options = await ReadAsync("--join", "127.0.0.1:8082");
        Assert.False(options.IsChild);
        Assert.Null(options.ModelFolder);
        Assert.Null(options.Threads);
        Assert.Empty(options.Cores);
        Assert.Equal("auto", options.Backend);
        Assert.Equal("", options.M2NInterface);
        Assert.False(options.ExitsOnStdinEof);
    }

    [Theory]
    [InlineData("8082")]
    [InlineData("http://host:8082")]
    [InlineData("host:0")]
    [InlineData("host:")]
    [InlineData("host:port")]
    [InlineData("host:70000")]
    public void ParseServer_NotAnAddress_NamesIt(string text)
    {
        MegaInferException error = Assert.Throws<MegaInferException>(() => NodeCommandLine.ParseServer(text));
        Assert.Contains(text, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Invoke_SecretFileIsMissing_NamesIt()
    {
        MegaInferException error = await Assert.ThrowsAsync<MegaInferException>(() => ReadAsync("--join", "a:1", "--secret-file", "/nowhere/secret"));
        Assert.Contains("/nowhere/secret", error.Message, StringComparison.Ordinal);
    }

    private static async Task<NodeOptions> ReadAsync(params string[] args)
    {
        NodeOptions? read = null;
        var commandLine = new NodeCommandLine("test", options =>
        {
            read = options;
            return Task.FromResult(0);
        });
        await commandLine.Command.Parse(args).InvokeAsync(new() { EnableDefaultExceptionHandler = false }, TestContext.Current.CancellationToken);
        Assert.NotNull(read);
        return read;
    }
}
