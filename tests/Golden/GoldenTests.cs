using MegaInfer.Bench.Cluster;
using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Requests;
using MegaInfer.Kernels;
using MegaInfer.M2N;
using Xunit;

namespace MegaInfer.Golden;

/// <summary>
/// The golden rule: tokens, log-probabilities and logits are bit-identical to the plain reference's, whatever the deployment. The short form runs a set of
/// deployments in which every pair of levels of two factors occurs; the long form runs the full product.
/// </summary>
public sealed class GoldenTests(Models models) : IClassFixture<Models>
{
    internal const int CoverSeed = 4;

    // Fewer blocks than the mixed batch needs, more than its longest sequence.
    private const int ScarceKvBlocks = 9;
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task Outcomes_OverPairwiseDeployments_AreTheReferences() =>
        await CheckAsync(PairwiseCover.Rows(Deployment.Levels, Deployment.IsAllowed, CoverSeed));

    [Fact(Explicit = true)]
    public async Task Outcomes_OverTheFullProduct_AreTheReferences() => await CheckAsync(Deployment.FullProduct());

    [Theory]
    [InlineData(NumberType.Int8, "qwen3_moe", "auto")]
    [InlineData(NumberType.Int4, "qwen3_moe", "avx2")]
    [InlineData(NumberType.Int8, "deepseek_v3", "avx2")]
    [InlineData(NumberType.Int4, "deepseek_v2", "auto")]
    [InlineData(NumberType.Int8, "gpt_oss", "auto")]
    [InlineData(NumberType.Int4, "mixtral", "reference")]
    public async Task OutcomesOfQuantisedWeights_AreTheReferences(NumberType type, string family, string backend)
    {
        foreach (int nodes in new[] { 1, 2 })
        {
            var deployment = new Deployment
            {
                Family = family,
                KvType = NumberType.BFloat16,
                AttentionNodes = nodes,
                ExpertNodes = nodes + 1,
                MicroBatches = nodes,
                Transport = "loopback",
                IsInMixedBatch = nodes == 2,
                ChunkRows = nodes == 1 ? 256 : 7,
                Threads = nodes,
                HitsPrefixCache = false,
                IsPreempted = false,
                Backend = backend,
                WeightType = type,
            };
            if (!CanRun(deployment))
                Assert.Skip("This machine lacks AVX2.");
            await CheckAsync(deployment).WaitAsync(Bound);
        }
    }

    private async Task CheckAsync(IEnumerable<int[]> rows)
    {
        int checkedCount = 0;
        foreach (Deployment deployment in rows.Select(Deployment.From).Where(CanRun))
        {
            await CheckAsync(deployment).WaitAsync(Bound);
            checkedCount++;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{checkedCount} deployments");
        Assert.True(checkedCount > 10, $"only {checkedCount} deployments could run");
    }

    private async Task CheckAsync(Deployment deployment)
    {
        await using LocalCluster cluster = LocalCluster.Start(new LocalClusterOptions
        {
            ModelFolder = models.Folder(deployment.Family),
            AttentionNodes = deployment.AttentionNodes,
            ExpertNodes = deployment.ExpertNodes,
            MicroBatches = deployment.MicroBatches,
            Transport = deployment.Transport == "shm" ? M2NTransport.Shm : M2NTransport.Loopback,
            AttentionThreads = deployment.Threads,
            ExpertThreads = deployment.Threads,
            Backend = Enum.Parse<KernelBackend>(deployment.Backend, ignoreCase: true),
            KvType = deployment.KvType,
            WeightType = deployment.WeightType,
            MaxChunkRows = deployment.ChunkRows,
            MaxStepRows = Math.Max(32, deployment.ChunkRows),
            KvBlocks = deployment.IsPreempted ? ScarceKvBlocks : 0,
            HasPrefixCache = deployment.HitsPrefixCache,
        });
        int firstId = 0;
        if (deployment.HitsPrefixCache)
            await RunAsync(cluster, deployment, firstId += 1000);
        IReadOnlyList<Outcome> outcomes = await RunAsync(cluster, deployment, firstId + 1000);
        IReadOnlyList<Outcome> expected = models.Expected(deployment.Family, deployment.KvType, deployment.WeightType);
        for (int i = 0; i < outcomes.Count; i++)
        {
            string? difference = outcomes[i].DifferenceFrom(expected[i]);
            Assert.True(difference is null, $"{deployment}: probe {i + 1}: {difference}");
        }

        // The factors that are not settings did happen.
        if (deployment.IsPreempted)
            Assert.True(Sum(cluster, node => cluster.AttentionMetrics(node).Preemptions) > 0, $"{deployment}: nothing was preempted");
        if (deployment.HitsPrefixCache)
            Assert.True(Sum(cluster, node => cluster.AttentionMetrics(node).ReusedTokens) > 0, $"{deployment}: no prefix was found");
    }

    private static async Task<IReadOnlyList<Outcome>> RunAsync(LocalCluster cluster, Deployment deployment, int firstId)
    {
        var outcomes = new List<Outcome>();
        LocalSequence Submit(GenerationRequest request) =>
            cluster.Submit(request with { Id = new SequenceId(firstId + request.Id.Value) }, (int)(request.Id.Value % deployment.AttentionNodes));

        if (!deployment.IsInMixedBatch)
        {
            foreach (GenerationRequest probe in Probes.Compared)
                outcomes.Add(await OutcomeAsync(Submit(probe)));
            return outcomes;
        }

        // Half of the company first, so that the probes join sequences that already run.
        LocalSequence[] company = [.. Probes.Company.Take(8).Select(Submit)];
        LocalSequence[] probes = [.. Probes.Compared.Select(Submit)];
        company = [.. company, .. Probes.Company.Skip(8).Select(Submit)];
        foreach (LocalSequence probe in probes)
            outcomes.Add(await OutcomeAsync(probe));
        foreach (LocalSequence other in company)
            Assert.Equal(FinishReason.Length, (await other.Completion).End.Reason);
        return outcomes;
    }

    private static async Task<Outcome> OutcomeAsync(LocalSequence sequence)
    {
        LocalResult result = await sequence.Completion;
        Assert.True(result.End.Reason == FinishReason.Length, result.End.Message);
        return Outcome.Of(result.Tokens, result.PromptLogits);
    }

    private static long Sum(LocalCluster cluster, Func<int, long> metric) => Enumerable.Range(0, cluster.AttentionNodeCount).Sum(metric);

    private static bool CanRun(Deployment deployment) => deployment.Backend != "avx2" || System.Runtime.Intrinsics.X86.Avx2.IsSupported;
}
