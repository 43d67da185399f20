using System.Net;
using System.Net.Sockets;
using Xunit;

namespace MegaInfer.EndToEnd;

/// <summary>What a user gets wrong is answered by one clear sentence on standard error, a non-zero status, and no process left behind.</summary>
public sealed class CommandLineTests : IDisposable
{
    private static readonly string[] FreePorts = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--control", "127.0.0.1:0"];

    private readonly string _folder = Directory.CreateTempSubdirectory("megainfer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Serve_MissingModelFolder_IsNamed() =>
        await ExpectAsync(["serve", "--model", Path.Combine(_folder, "nothing-here"), .. FreePorts], "nothing-here");

    [Fact]
    public async Task Serve_TruncatedSafetensors_IsNamed()
    {
        CopyEmbeddedModel();
        string weights = Path.Combine(_folder, "model.safetensors");
        using (FileStream stream = File.OpenWrite(weights))
            stream.SetLength(stream.Length / 2);
        await ExpectAsync(["serve", "--model", _folder, .. FreePorts], "model.safetensors");
    }

    [Fact]
    public async Task Serve_UnknownArchitecture_IsNamed()
    {
        CopyEmbeddedModel();
        string config = Path.Combine(_folder, "config.json");
        await File.WriteAllTextAsync(config, (await File.ReadAllTextAsync(config)).Replace("qwen3_moe", "parrot_moe", StringComparison.Ordinal));
        await ExpectAsync(["serve", "--model", _folder, .. FreePorts], "parrot_moe");
    }

    [Fact]
    public async Task Serve_BusyPort_IsNamed()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        string address = $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        await ExpectAsync(["serve", "--http", address, "--grpc", "127.0.0.1:0", "--control", "127.0.0.1:0"], address);
    }

    [Fact]
    public async Task Serve_UnknownFlag_IsNamed() => await ExpectAsync(["serve", "--atention-nodes", "2"], "--atention-nodes");

    [Theory]
    [InlineData("--attention-nodes", "0")]
    [InlineData("--expert-nodes", "1000")]
    [InlineData("--micro-batches", "5")]
    [InlineData("--kv-dtype", "fp7")]
    [InlineData("--dtype", "int3")]
    [InlineData("--http", "nowhere")]
    public async Task Serve_ValueOutOfRange_NamesTheFlag(string flag, string value) => await ExpectAsync(["serve", flag, value], flag);

    [Fact]
    public async Task Generate_PromptOverTheContext_IsNamed() =>
        await ExpectAsync(["generate", "--model", Repository.EmbeddedModel, "--tokens", string.Join(',', Enumerable.Repeat(5, 5000))], "context");

    [Fact]
    public async Task Logits_TokenOutsideTheVocabulary_IsNamed() =>
        await ExpectAsync(["logits", "--model", Repository.EmbeddedModel, "--tokens", "1,99999999", "--out", Path.Combine(_folder, "x.npy")], "99999999");

    [Theory]
    [InlineData("plan")]
    [InlineData("simulate")]
    [InlineData("rollout")]
    public async Task CommandNotBuilt_SaysSoAndFails(string command) => await ExpectAsync([command], command);

    [Theory]
    [InlineData("dapo")]
    [InlineData("--stepz")]
    public async Task Train_UnknownWord_IsNamedInOneSentence(string word)
    {
        CommandRun run = await CommandRun.RunAsync(Repository.Executable("MegaInfer.Rl", "megainfer-rl"), word);
        Assert.NotEqual(0, run.Status);
        Assert.Contains(word, Assert.Single(run.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MegaInfer.AttentionNodes", "megainfer-attention-node")]
    [InlineData("MegaInfer.ExpertNodes", "megainfer-expert-node")]
    public async Task Node_WithoutJoin_SaysWhatItNeeds(string project, string name) =>
        await ExpectAsync(Repository.Executable(project, name), [], "--join");

    private static Task ExpectAsync(string[] arguments, string named) => ExpectAsync(Repository.Server, arguments, named);

    private static async Task ExpectAsync(string executable, string[] arguments, string named)
    {
        CommandRun run = await CommandRun.RunAsync(executable, arguments);
        Assert.NotEqual(0, run.Status);
        Assert.DoesNotContain("ready", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled", run.Error, StringComparison.Ordinal);
        Assert.Contains(run.Error.Split('\n'), line => line.Contains(named, StringComparison.Ordinal));
    }

    private void CopyEmbeddedModel()
    {
        foreach (string file in Directory.EnumerateFiles(Repository.EmbeddedModel))
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
    }
}
