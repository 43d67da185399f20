using System.Text.Json;
using Xunit;

namespace MegaInfer.EndToEnd;

/// <summary>The golden rule over real processes and shared memory: the deployment does not change a bit. (The full product of factors is in tests/Golden.)</summary>
public sealed class RealDeploymentTests : IDisposable
{
    private const string Tokens = "5,9,40,41,42,7,300,301,12,99,100,3,77,15,60,61,62,63";

    private readonly string _folder = Directory.CreateTempSubdirectory("megainfer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Logits_OverDeployments_AreTheSameFile()
    {
        byte[] expected = await LogitsAsync("plain.npy");
        Assert.Equal(expected, await LogitsAsync("wide.npy", "--attention-nodes", "2", "--expert-nodes", "3", "--micro-batches", "3"));
        Assert.Equal(expected, await LogitsAsync("threads.npy", "--expert-nodes", "2", "--micro-batches", "2", "--threads", "2"));
    }

    [Fact]
    public async Task Generate_OverDeployments_GivesTheSameTokensAndLogProbs()
    {
        string expected = await GenerateAsync();
        Assert.Equal(expected, await GenerateAsync("--attention-nodes", "2", "--expert-nodes", "3", "--micro-batches", "2"));
        Assert.Equal(expected, await GenerateAsync("--attention-nodes", "2", "--expert-nodes", "2", "--m2n-rows", "device"));
    }

    private async Task<byte[]> LogitsAsync(string file, params string[] options)
    {
        string path = Path.Combine(_folder, file);
        CommandRun run = await CommandRun.RunAsync(Repository.Server, ["logits", "--model", Repository.EmbeddedModel, "--tokens", Tokens, "--out", path, .. options]);
        Assert.True(run.Status == 0, run.Error);
        return await File.ReadAllBytesAsync(path);
    }

    private static async Task<string> GenerateAsync(params string[] options)
    {
        CommandRun run = await CommandRun.RunAsync(Repository.Server,
            ["generate", "--model", Repository.EmbeddedModel, "--tokens", Tokens, "--max-tokens", "24", "--temperature", "0.9", "--seed", "3", "--json", .. options]);
        Assert.True(run.Status == 0, run.Error);
        JsonElement json = JsonDocument.Parse(run.Output).RootElement;
        return json.GetProperty("token_ids").GetRawText() + json.GetProperty("log_probs").GetRawText();
    }
}
