using MegaInfer.Bench.Cluster;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Requests;
using MegaInfer.M2N;
using Xunit;

namespace MegaInfer.Bench.Tests.Cluster;

public sealed class LocalClusterTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("megainfer-cluster-tests-");

    public LocalClusterTests()
    {
        Model = Path.Combine(_folder.FullName, "model");
        RandomCheckpoint.Write(Model, new RandomModelOptions());
    }

    private string Model { get; }

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(M2NTransport.Loopback, false)]
    [InlineData(M2NTransport.Shm, false)]
    [InlineData(M2NTransport.Loopback, true)]
    [InlineData(M2NTransport.Shm, true)]
    public async Task Submit_OtherShapesOfTheCluster_GiveTheSameTokens(M2NTransport transport, bool deviceRows)
    {
        LocalClusterOptions plain = Options() with { Transport = transport, DeviceRows = deviceRows };
        IReadOnlyList<GeneratedToken> expected = (await RunAsync(Options()))[0];
        Assert.Equal(12, expected.Count);
        Assert.Equal(expected, (await RunAsync(plain with { AttentionNodes = 2, ExpertNodes = 3, MicroBatches = 2 }, copies: 4))[3], Same);
        Assert.Equal(expected, (await RunAsync(plain with { ExpertNodes = 2, MaxChunkRows = 3, MicroBatches = 4, AttentionThreads = 1, ExpertThreads = 1 }))[0], Same);
    }

    [Fact]
    public async Task KillExpert_WhileSequencesRun_EndsThemWithTheSameTokensOnceReplaced()
    {
        IReadOnlyList<GeneratedToken> expected = (await RunAsync(Options(), tokens: 200))[0];
        await using LocalCluster cluster = LocalCluster.Start(Options() with { ExpertNodes = 2 });
        LocalSequence sequence = cluster.Submit(Request(1, 200));
        IAsyncEnumerator<GeneratedToken> tokens = sequence.Stream.GetAsyncEnumerator(TestContext.Current.CancellationToken);
        for (int i = 0; i < 5; i++)
            Assert.True(await tokens.MoveNextAsync());
        cluster.KillExpert(1);
        Assert.Equal(1, cluster.AddExpert(rank: 1));
        LocalResult result = await sequence.Completion.WaitAsync(Bound, TestContext.Current.CancellationToken);
        Assert.Equal(FinishReason.Length, result.End.Reason);
        Assert.Equal(expected, result.Tokens, Same);
    }

    [Fact]
    public async Task Cancel_RunningSequence_EndsIt()
    {
        await using LocalCluster cluster = LocalCluster.Start(Options());
        LocalSequence sequence = cluster.Submit(Request(1, 400));
        await foreach (GeneratedToken _ in sequence.Stream)
            cluster.Cancel(sequence.Id);
        Assert.Equal(FinishReason.Cancelled, (await sequence.Completion).End.Reason);
    }

    [Fact]
    public async Task DisposeAsync_WhileSequencesRun_FailsOrEndsThem()
    {
        LocalSequence sequence;
        await using (LocalCluster cluster = LocalCluster.Start(Options()))
            sequence = cluster.Submit(Request(1, 400));
        Task ended = await Task.WhenAny(sequence.Completion, Task.Delay(Bound, TestContext.Current.CancellationToken));
        Assert.Same(sequence.Completion, ended);
    }

    private LocalClusterOptions Options() => new() { ModelFolder = Model, MaxStepRows = 32, MaxSequences = 8 };

    private static GenerationRequest Request(int id, int tokens) => new()
    {
        Id = new SequenceId(id),
        PromptTokens = Enumerable.Range(0, 20).Select(token => token * 7 % 256).ToArray(),
        Sampling = new SamplingParameters { Seed = 3, Temperature = 0.8f },
        MaxTokens = tokens,
        IgnoreEos = true,
    };

    /// <summary>The same request several times over all attention nodes; what each got.</summary>
    private static async Task<IReadOnlyList<GeneratedToken>[]> RunAsync(LocalClusterOptions options, int copies = 1, int tokens = 12)
    {
        await using LocalCluster cluster = LocalCluster.Start(options);
        LocalSequence[] sequences = [.. Enumerable.Range(0, copies).Select(copy => cluster.Submit(Request(copy, tokens), copy % options.AttentionNodes))];
        LocalResult[] results = await Task.WhenAll(sequences.Select(sequence => sequence.Completion)).WaitAsync(Bound);
        return [.. results.Select(result => result.Tokens)];
    }

    private static bool Same(GeneratedToken one, GeneratedToken other) =>
        one.Id == other.Id && BitConverter.SingleToInt32Bits(one.LogProb) == BitConverter.SingleToInt32Bits(other.LogProb);
}
