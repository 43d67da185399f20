using System.Globalization;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.EndToEnd;

/// <summary>What loading a model of 2 GiB in four shards takes: each process its own weights and KV cache, and little more, at its peak.</summary>
public sealed partial class LoadedMemoryTests(ITestOutputHelper output)
{
    private const int KvBlocks = 256;
    private const long MiB = 1 << 20;
    private const double Share = 0.15;
    private const long Fixed = 150 * MiB;

    [Theory(Explicit = true)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Serve_TwoGibInFourShards_EachProcessHoldsItsOwn(int expertNodes)
    {
        string folder = Directory.CreateTempSubdirectory("megainfer-memory-").FullName;
        try
        {
            RandomCheckpoint.Write(Path.Combine(folder, "model"), Shape);
            string model = Path.Combine(folder, "model");
            Assert.Equal(4, Directory.GetFiles(model, "*.safetensors").Length);
            ModelSpec spec = ModelConfig.Read(model);
            long kv = KvBlocks * PipelineShape.KvBlockTokens * new PipelineShape(spec, 256, NumberType.BFloat16).KvBytesPerToken;
            await using RunningServer server = await RunningServer.StartAsync(
                "--model", model, "--expert-nodes", expertNodes.ToString(CultureInfo.InvariantCulture), "--kv-blocks", KvBlocks.ToString(CultureInfo.InvariantCulture));
            await FillKvAsync(server, spec.VocabularySize);

            List<long> expertBytes = [.. WeightLines(server.Log, "expert").Order()];
            List<long> attentionBytes = WeightLines(server.Log, "attention");
            Assert.Equal(expertNodes, expertBytes.Count);
            foreach ((int pid, string name) in server.Children())
            {
                bool isExpert = name.Contains("expert", StringComparison.Ordinal);
                long own = isExpert ? expertBytes[^1] : attentionBytes[0] + kv;
                long peak = PeakBytes(pid);
                output.WriteLine($"{name}: peak {peak / MiB} MiB; weights{(isExpert ? "" : " and KV")} {own / MiB} MiB; bound {(long)((own * (1 + Share)) + Fixed) / MiB} MiB");
                Assert.True(peak <= (own * (1 + Share)) + Fixed, $"{name} peaked at {peak / MiB} MiB for {own / MiB} MiB");
            }

            // 64 experts on three nodes: 21 or 22 each.
            Assert.True(expertBytes[^1] <= (expertBytes.Sum() / expertNodes * 1.05) + MiB, $"the largest share is {expertBytes[^1] / MiB} of {expertBytes.Sum() / MiB} MiB");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static RandomModelOptions Shape => new()
    {
        HiddenSize = 1024,
        LayerCount = 12,
        HeadCount = 16,
        KvHeadCount = 4,
        HeadDim = 64,
        ExpertCount = 64,
        ExpertsPerToken = 8,
        ExpertWidth = 416,
        VocabularySize = 32_000,
        ContextLength = 4096,
        ShardBytes = 560 * MiB,
    };

    // Prompts of other tokens each, so that no prefix is shared.
    private static async Task FillKvAsync(RunningServer server, int vocabularySize)
    {
        using var client = new HttpClient { BaseAddress = server.Http, Timeout = TimeSpan.FromMinutes(5) };
        for (int request = 0; request < 6; request++)
        {
            int[] prompt = [.. Enumerable.Range(0, 600).Select(i => ((request * 7919) + (i * 31)) % vocabularySize)];
            using HttpResponseMessage answer = await client.PostAsJsonAsync("v1/completions", new { model = "model", prompt, max_tokens = 4, ignore_eos = true });
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        }
    }

    private static List<long> WeightLines(string log, string role) =>
        [.. ReadyLine().Matches(log).Where(line => line.Groups[1].Value == role).Select(line => long.Parse(line.Groups[2].Value, CultureInfo.InvariantCulture) * MiB)];

    private static long PeakBytes(int pid)
    {
        string line = File.ReadLines($"/proc/{pid}/status").First(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan("VmHWM:".Length).Trim(" kB\t"), CultureInfo.InvariantCulture) * 1024;
    }

    [GeneratedRegex(@"(attention|expert) node \d+ is ready: .* ([\d,]+) MiB of weights")]
    private static partial Regex ReadyLine();
}
