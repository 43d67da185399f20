using System.CommandLine;
using MegaInfer.Bench.Decode;
using MegaInfer.Bench.Models;
using MegaInfer.Bench.PingPong;
using MegaInfer.Bench.TwoAttention;
using MegaInfer.Engine;

var root = new RootCommand("MegaInfer's benchmarks: each number beside its floor or its prediction, from the same run.")
{
    new DecodeCommand().Build(),
    new PingPongCommand().Build(),
    new TwoAttentionCommand().Build(),
    new MakeModelCommand().Build(),
};
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (MegaInferException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return 1;
}
