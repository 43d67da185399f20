using System.Diagnostics;
using Xunit;

namespace MegaInfer.Bench.Tests;

/// <summary>The executable: what it makes and how it refuses.</summary>
public sealed class BenchProgramTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
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

    private static async Task<(int Code, string Errors)> RunAsync(params string[] args)
    {
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
