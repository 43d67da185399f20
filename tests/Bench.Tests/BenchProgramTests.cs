using System.Diagnostics;
using Xunit;

namespace MegaInfer.Bench.Tests;

/// <summary>The executable: what it makes and how it refuses.</summary>
public sealed class BenchProgramTests : IDisposable
{
    private const string Embedded = "EMBEDDED";
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(90);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("megainfer-bench-tests-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task MakeModel_ChangedShape_WritesAModelThatOpens()
    {
        string folder = Path.Combine(_folder.FullName, "model");
        (int code, _) = await RunAsync("make-model", folder, "--family", "mixtral", "--layers", "3", "--experts", "4", "--top-k", "1", "--dtype", "fp32");
        Assert.Equal(0, code);
        using var checkpoint = Engine.Checkpoints.Checkpoint.Open(folder);
        Assert.Equal("mixtral", checkpoint.Spec.Family);
        Assert.Equal(3, checkpoint.Spec.LayerCount);
        Assert.Equal(4, checkpoint.Spec.Router.ExpertCount);
        Assert.Equal(Engine.Model.NumberType.Float32, checkpoint.StoredType);
    }

    [Theory]
    [InlineData("no shape named 'bench-z'", "make-model", "somewhere", "--shape", "bench-z")]
    [InlineData("'--layer' is not one of its options", "make-model", "--layer")]
    [InlineData("multiple of 12", "pingpong", "--total", "13")]
    [InlineData("a core each", "pingpong", "--attention-core", "0", "--expert-core", "0")]
    [InlineData("even number", "two-attention", "--batch", "3")]
    [InlineData("list of positive numbers", "decode", "--model", "x", "--batch", "1,zero")]
    [InlineData("Option '--model' is required", "decode")]
    [InlineData("is not a list for --micro-batches", "decode", "--model", "x", "--micro-batches", "1,5")]
    [InlineData("does not hold llama-bench", "decode", "--model", Embedded, "--rival-bin", "/tmp")]
    [InlineData("exceed the model's context", "serving", "--model", Embedded, "--prompt-len", "5000")]
    [InlineData("--rounds is at least 1", "start", "--model", Embedded, "--rounds", "0")]
    [InlineData("Option '--out' is required", "export-gguf", "--model", "x")]
    [InlineData("/nowhere does not exist", "export-gguf", "--model", "/nowhere", "--out", "x")]
    [InlineData("'--bach' is not one of its options", "decode", "--model", "x", "--bach", "1")]
    public async Task WrongUse_IsOneSentenceAndNonZero(string expected, params string[] args)
    {
        (int code, string errors) = await RunAsync(args);
        Assert.Equal(1, code);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Serving_ARealServer_AnswersEveryRequest()
    {
        // Other tests run meanwhile, so the number may be refused; that all requests end well may not.
        (int code, string errors) = await RunAsync("serving", "--model", Embedded, "--streams", "3", "--requests", "6", "--prompt-len", "8", "--gen-len", "6", "--rounds", "1");
        Assert.Matches(@"(?m)^megainfer: \d+\.\d tok/s", errors);
        Assert.DoesNotContain("requests failed", errors, StringComparison.Ordinal);
        Assert.True(code == 0 || errors.Contains("not reported", StringComparison.Ordinal), errors);
    }

    [Fact]
    public async Task Start_ARealServer_IsTimedToItsFirstToken()
    {
        (int code, string errors) = await RunAsync("start", "--model", Embedded, "--rounds", "1");
        Assert.Matches(@"(?m)^megainfer: ready \d+\.\d+ s, first token \d+\.\d+ s, weights read in \d+\.\d+ s", errors);
        Assert.Matches(@"(?m)^megainfer, packed anew: ready", errors);
        Assert.True(code == 0 || errors.Contains("not reported", StringComparison.Ordinal), errors);
    }

    [Fact]
    public async Task Decode_ARealServer_MeasuresAPrompt()
    {
        (int code, string errors) = await RunAsync("decode", "--model", Embedded, "--batch", "none", "--prefill", "16", "--rounds", "1");
        Assert.Matches(@"(?m)^prefill 16: megainfer \d+\.\d tok/s", errors);
        Assert.True(code == 0 || errors.Contains("not reported", StringComparison.Ordinal), errors);
    }

    /// <summary>The model that ships with the project.</summary>
    private static string EmbeddedFolder()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MegaInfer.sln")))
            folder = folder.Parent;
        return Path.Combine(folder!.FullName, "models", "megainfer-mini");
    }

    private static async Task<(int Code, string Errors)> RunAsync(params string[] args)
    {
        args = [.. args.Select(argument => argument == Embedded ? EmbeddedFolder() : argument)];
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "megainfer-bench.dll"), .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Bound, TestContext.Current.CancellationToken);
        return (process.ExitCode, await errors);
    }
}
