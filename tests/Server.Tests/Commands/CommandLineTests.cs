using System.Globalization;
using MegaInfer.Server.Commands;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.Commands;

/// <summary>What a user gets wrong is one sentence and status 1, before anything starts.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("serve --atention-nodes 2", "serve has no flag --atention-nodes; did you mean --attention-nodes?")]
    [InlineData("serve --frobnicate", "serve has no flag --frobnicate; see serve --help.")]
    [InlineData("srve", "There is no command srve; did you mean serve?")]
    [InlineData("serve --attention-nodes many", "Cannot parse argument 'many' for option '--attention-nodes'; see serve --help.")]
    [InlineData("serve --attention-nodes 0", "--attention-nodes 0 is out of range; use 1 to 64.")]
    [InlineData("serve --expert-nodes 1000", "--expert-nodes 1000 is out of range; use 1 to 64.")]
    [InlineData("serve --m2n-transport pigeon", "--m2n-transport pigeon is not known; use auto, tcp or ucx.")]
    [InlineData("serve --m2n-rows moon", "--m2n-rows moon is not known; use host or device.")]
    [InlineData("serve --m2n-rows device --m2n-interface eth0", "--m2n-rows device is for nodes of one host, and --m2n-interface for those of several; leave one of them out.")]
    [InlineData("serve --m2n-transport ucx", "--m2n-transport ucx needs the network that it is for; name it with --m2n-interface.")]
    [InlineData("serve --micro-batches 5", "--micro-batches 5 is not known; use auto, 1, 2, 3 or 4.")]
    [InlineData("serve --dtype int3", "--dtype int3 is not known")]
    [InlineData("serve --kv-dtype fp7", "--kv-dtype fp7 is not known; use bf16 or fp32.")]
    [InlineData("serve --http nowhere", "--http nowhere is not an address; write HOST:PORT")]
    [InlineData("serve --control 0.0.0.0:0", "--control 0.0.0.0:0 can be reached from other hosts and needs a secret")]
    [InlineData("serve --secret-file /nowhere/secret --http 127.0.0.1:0 --grpc 127.0.0.1:0 --control 127.0.0.1:0 --model MODEL", "/nowhere/secret")]
    [InlineData("serve --http 127.0.0.1:0 --grpc 127.0.0.1:0 --control 127.0.0.1:0 --model /nowhere/model", "The model folder /nowhere/model does not exist")]
    [InlineData("generate", "generate needs one of --prompt TEXT and --tokens 1,2,3.")]
    [InlineData("generate --tokens 1,x", "--tokens has 'x', which is not a token id")]
    [InlineData("logits --tokens 1", "--out")]
    [InlineData("plan --anything", "plan is not built yet")]
    [InlineData("simulate", "simulate is not built yet")]
    [InlineData("cluster --frobnicate", "cluster has no flag --frobnicate; see cluster --help.")]
    [InlineData("cluster statsu", "There is no command statsu; did you mean status?")]
    [InlineData("cluster drain", "drain is not built yet")]
    [InlineData("cluster status --control 127.0.0.1:1", "No server answers at 127.0.0.1:1")]
    public async Task Run_Wrong_IsOneSentence(string arguments, string expected)
    {
        (int status, string output, string errors) = await RunAsync(arguments);
        Assert.Equal(1, status);
        Assert.Equal("", output);
        Assert.Single(errors.TrimEnd('\n').Split('\n'));
        Assert.Contains(expected, errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help", "serve")]
    [InlineData("serve --help", "--attention-nodes")]
    [InlineData("generate --help", "--prompt")]
    [InlineData("logits --help", "--out")]
    public async Task Help_NamesWhatThereIs(string arguments, string named)
    {
        (int status, string output, _) = await RunAsync(arguments);
        Assert.Equal(0, status);
        Assert.Contains(named, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspect_SaysWhatAModelHolds()
    {
        (int status, string output, _) = await RunAsync($"inspect --model {TestModel.Folder}");
        Assert.Equal(0, status);
        Assert.Contains("qwen3_moe", output, StringComparison.Ordinal);
    }

    private static async Task<(int Status, string Output, string Errors)> RunAsync(string arguments)
    {
        var output = new StringWriter(CultureInfo.InvariantCulture);
        var errors = new StringWriter(CultureInfo.InvariantCulture);
        int status = await CommandLine.RunAsync(
            arguments.Replace("MODEL", TestModel.Folder, StringComparison.Ordinal).Split(' '), output, errors,
            new ServeCommand(), new GenerateCommand(), new LogitsCommand(), new InspectCommand(), new ClusterCommand(), new NotBuiltCommand("plan", "Plans"), new NotBuiltCommand("simulate", "Simulates"));
        return (status, output.ToString(), errors.ToString());
    }
}
