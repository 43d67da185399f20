using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using MegaInfer.Server.Commands;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.Commands;

public sealed class InspectCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("megainfer-inspect-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Inspect_ConfigAlone_CountsEverythingAndSaysSo()
    {
        Copy("gpt-oss-20b");

        (int status, string output, string errors) = await RunAsync($"inspect --model {_folder} --attention-nodes 2 --expert-nodes 3 --kv-dtype fp32");

        Assert.Equal((0, ""), (status, errors));
        string[] expected =
        [
            "gpt_oss", "12 attend through a window of 128", "sinks", "YaRN x 32 from 4096 positions", "SwiGLU clamped to 7", "20.91 B in total", "3.61 B for each token",
            "LM head", "with it 4.19 B", "98,304 bytes per token in fp32", "2 attention nodes", "3 expert nodes", "at most 11 of 32 experts", "by config.json alone",
        ];
        Assert.All(expected, part => Assert.Contains(part, output, StringComparison.Ordinal));
        Assert.DoesNotContain("digest", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspect_Json_HasTheSameNumbers()
    {
        Copy("deepseek-v3");
        string file = Path.Combine(_folder, "out.json");

        (int status, _, _) = await RunAsync($"inspect --model {_folder} --json {file}");

        Assert.Equal(0, status);
        using JsonDocument json = JsonDocument.Parse(await File.ReadAllTextAsync(file));
        Assert.InRange(json.RootElement.GetProperty("parameters").GetProperty("total").GetInt64(), 670e9, 672e9);
        Assert.Equal(61 * 576 * 2, json.RootElement.GetProperty("kv_cache").GetProperty("bytes_per_token").GetInt32());
        Assert.False(json.RootElement.GetProperty("weight_bytes").GetProperty("weights_are_there").GetBoolean());
        Assert.Equal(256, json.RootElement.GetProperty("pool").GetProperty("experts_of_node").GetInt32());
    }

    // gpt-oss stores its experts in 4.25 bits, DeepSeek-V3 everything in 8 with a scale for each 128 x 128.
    [Theory]
    [InlineData("gpt-oss-20b", "int4", 4.5 / 4.25)]
    [InlineData("gpt-oss-20b", "bf16", 16 / 4.25)]
    [InlineData("deepseek-v3", "int8", 8.5 / (8 + (32.0 / 128 / 128)))]
    [InlineData("deepseek-v3", "int4", 4.5 / (8 + (32.0 / 128 / 128)))]
    public async Task Inspect_Dtype_StatesTheMemoryOfPackedWeights(string config, string dtype, double ratio)
    {
        Copy(config);

        long stored = await ExpertNodeBytesAsync("");
        long packed = await ExpertNodeBytesAsync($" --dtype {dtype}");

        Assert.Equal(ratio, packed / (double)stored, 0.02);
    }

    [Fact]
    public async Task Inspect_Dtype_IsSaidWithItsBits()
    {
        (int status, string output, _) = await RunAsync($"inspect --model {TestModel.Folder} --dtype int4");

        Assert.Equal(0, status);
        Assert.Contains("(int4: 4.5 bits a weight, 8.5 in the LM head)", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("int3")]
    [InlineData("INT8")]
    [InlineData("fp8")]
    public async Task Inspect_UnknownDtype_IsOneSentenceThatNamesTheChoices(string dtype)
    {
        (int status, _, string errors) = await RunAsync($"inspect --model {TestModel.Folder} --dtype {dtype}");

        Assert.NotEqual(0, status);
        Assert.Contains("int8", Assert.Single(errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspect_Weights_AreCheckedAndMeasured()
    {
        (int status, string output, _) = await RunAsync($"inspect --model {TestModel.Folder}");

        Assert.Equal(0, status);
        Assert.Contains("stored as bf16 and bf16", output, StringComparison.Ordinal);
        Assert.Contains("digest", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspect_UnusableJsonPath_IsOneSentence()
    {
        (int status, _, string errors) = await RunAsync($"inspect --model {TestModel.Folder} --json {Path.Combine(_folder, "none", "out.json")}");

        Assert.Equal(1, status);
        Assert.Contains("--json", Assert.Single(errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    private async Task<long> ExpertNodeBytesAsync(string flags)
    {
        string file = Path.Combine(_folder, "out.json");
        (int status, _, string errors) = await RunAsync($"inspect --model {_folder} --json {file}{flags}");
        Assert.Equal((0, ""), (status, errors));
        using JsonDocument json = JsonDocument.Parse(await File.ReadAllTextAsync(file));
        return json.RootElement.GetProperty("pool").GetProperty("expert_node_weight_bytes").GetInt64();
    }

    private void Copy(string config, [CallerFilePath] string here = "")
    {
        string configs = Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "Engine.Tests", "Checkpoints", "configs");
        File.Copy(Path.Combine(configs, config + ".json"), Path.Combine(_folder, "config.json"));
    }

    private static async Task<(int Status, string Output, string Errors)> RunAsync(string arguments)
    {
        var output = new StringWriter(CultureInfo.InvariantCulture);
        var errors = new StringWriter(CultureInfo.InvariantCulture);
        int status = await CommandLine.RunAsync(arguments.Split(' '), output, errors, new InspectCommand());
        return (status, output.ToString(), errors.ToString());
    }
}
