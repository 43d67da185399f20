using System.Diagnostics;
using MegaInfer.Bench.Rivals;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints.Random;
using Xunit;

namespace MegaInfer.Bench.Tests.Rivals;

public sealed class RivalBuildTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(FakeBuild.LlamaHelp, "llama.cpp", false)]
    [InlineData(FakeBuild.IkHelp, "ik_llama.cpp", true)]
    public void Open_EitherEngine_IsToldApart(string help, string engine, bool hasCaveat)
    {
        using var fake = new FakeBuild(help);
        RivalBuild build = fake.Open();
        Assert.Equal((engine, "0 (unknown)", false, hasCaveat), (build.Engine, build.Version, build.HasServer, build.DecodeCaveat is not null));
    }

    [Fact]
    public void Open_WithoutItsPrograms_NamesThem()
    {
        using var fake = new FakeBuild();
        File.Delete(fake["llama-quantize"]);
        Assert.Contains("does not hold llama-quantize;", Assert.Throws<MegaInferException>(fake.Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_OfAnotherProgram_ShowsWhatItSays()
    {
        using var fake = new FakeBuild("usage: benchmark of something else\n");
        Assert.Contains("benchmark of something else", Assert.Throws<MegaInferException>(fake.Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Measure_RealOutputs_GivesTheirSpeeds()
    {
        using var fake = new FakeBuild();
        RivalBuild build = fake.Open();
        RivalMeasurement decode = await build.DecodeAsync("m.gguf", batch: 2, promptLength: 16, generateLength: 8, threads: 2, Cancel);
        RivalMeasurement prefill = await build.PrefillAsync("m.gguf", tokens: 64, threads: 2, Cancel);
        Assert.Equal((65.92, 23130.168614), (decode.TokensPerSecond, prefill.TokensPerSecond));
        Assert.True(decode.OthersShare >= 0 && prefill.OthersShare >= 0);
    }

    [Fact]
    public async Task Decode_ProgramFails_ShowsItsLastLine()
    {
        using var fake = new FakeBuild();
        RivalBuild build = fake.Open();
        fake.Add("llama-batched-bench", "echo loading; echo 'error: unable to load model' >&2; exit 1");
        MegaInferException failure = await Assert.ThrowsAsync<MegaInferException>(() => build.DecodeAsync("m.gguf", 1, 16, 8, 2, Cancel));
        Assert.EndsWith("ended with status 1: error: unable to load model", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Decode_Cancelled_EndsTheProgramAndItsChildren()
    {
        using var fake = new FakeBuild();
        RivalBuild build = fake.Open();
        fake.Add("llama-batched-bench", $"sleep 1000 & echo $! > {fake["child.new"]}; mv {fake["child.new"]} {fake["child"]}; wait");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task<RivalMeasurement> run = build.DecodeAsync("m.gguf", 1, 16, 8, 2, stop.Token);
        while (!File.Exists(fake["child"]))
            await Task.Delay(10, Cancel);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        await UntilGoneAsync(int.Parse(await File.ReadAllTextAsync(fake["child"], Cancel)));
    }

    [Fact]
    public async Task StartServer_HealthyAfterAWhile_AnswersUntilDisposed()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/perl"), "No perl here to play the server.");
        using var fake = new FakeBuild();
        fake.Add("llama-server", """
            use IO::Socket::INET;
            my %a = @ARGV;
            my $s = IO::Socket::INET->new(LocalAddr => $a{'--host'}, LocalPort => $a{'--port'}, Listen => 5, ReuseAddr => 1) or die;
            print STDERR "x" x 200_000, "\n";
            for (my $i = 0; my $c = $s->accept; $i++) {
                while (my $line = <$c>) { last if $line =~ /^\r?\n$/ }
                print $c ($i < 2 ? "HTTP/1.1 503 Loading" : "HTTP/1.1 200 OK"), "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                close $c;
            }
            """, "/usr/bin/perl");
        RivalServer server = await fake.Open().StartServerAsync("m.gguf", slots: 2, contextPerSlot: 64, threads: 1, Cancel);
        int id = server.ProcessId;
        using (var client = new HttpClient())
            Assert.True((await client.GetAsync(new Uri(server.BaseUrl, "health"), Cancel)).IsSuccessStatusCode);
        await server.DisposeAsync();
        await UntilGoneAsync(id);
    }

    [Fact]
    public async Task StartServer_EndsAtOnce_ShowsItsLastLine()
    {
        using var fake = new FakeBuild();
        RivalBuild build = fake.Open();
        Assert.Contains("llama-server; build it", (await Assert.ThrowsAsync<MegaInferException>(Start)).Message, StringComparison.Ordinal);
        fake.Add("llama-server", "echo 'error: invalid argument' >&2; exit 3");
        Assert.Contains("status 3", (await Assert.ThrowsAsync<MegaInferException>(Start)).Message, StringComparison.Ordinal);

        Task Start() => build.StartServerAsync("m.gguf", 2, 64, 1, Cancel);
    }

    [Fact]
    public async Task EnsureAsync_MakesEachCopyOnce_AndAgainWhenTheFolderChanges()
    {
        using var fake = new FakeBuild();
        RivalBuild build = fake.Open();
        string model = fake["model"];
        RandomCheckpoint.Write(model, new RandomModelOptions());

        string plain = await GgufExport.EnsureAsync(model, "bf16", build, null, Cancel);
        string quantized = await GgufExport.EnsureAsync(model, "q4_0", build, null, Cancel);
        DateTime written = File.GetLastWriteTimeUtc(plain);
        Assert.Equal("Q4_0\n", await File.ReadAllTextAsync(quantized, Cancel));
        Assert.Equal(plain, await GgufExport.EnsureAsync(model, "bf16", build, null, Cancel));
        Assert.Equal(written, File.GetLastWriteTimeUtc(plain));

        await File.AppendAllTextAsync(Path.Combine(model, "config.json"), "\n", Cancel);
        string again = await GgufExport.EnsureAsync(model, "bf16", build, null, Cancel);
        Assert.NotEqual(plain, again);
        Assert.False(File.Exists(plain) || File.Exists(quantized));
        await Assert.ThrowsAsync<MegaInferException>(() => GgufExport.EnsureAsync(model, "q3_k", build, null, Cancel));
        File.Delete(again);
    }

    // What has ended may stay listed until its new parent has waited for it.
    private static async Task UntilGoneAsync(int id)
    {
        long started = Stopwatch.GetTimestamp();
        while (IsRunning(id))
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Bound, $"process {id} still runs");
            await Task.Delay(10, Cancel);
        }
    }

    private static bool IsRunning(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/stat").Split(") ")[1][0] != 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }
}
