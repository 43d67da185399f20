using System.CommandLine;
using MegaInfer.Bench.Decode;
using MegaInfer.Bench.Gguf;
using MegaInfer.Bench.Kernels;
using MegaInfer.Bench.M2n;
using MegaInfer.Bench.Models;
using MegaInfer.Bench.PingPong;
using MegaInfer.Bench.Quality;
using MegaInfer.Bench.Serving;
using MegaInfer.Bench.Start;
using MegaInfer.Bench.TwoAttention;
using MegaInfer.Engine;
using MegaInfer.Node;

var root = new RootCommand("MegaInfer's benchmarks: each number beside its floor or its prediction, from the same run.")
{
    new M2nCommand().Build(),
    new DecodeCommand().Build(),
    new ServingCommand().Build(),
    new StartCommand().Build(),
    new KernelsCommand().Build(),
    new QualityCommand().Build(),
    new PingPongCommand().Build(),
    new TwoAttentionCommand().Build(),
    new MakeModelCommand().Build(),
    new ExportGgufCommand().Build(),
};
try
{
    ParseResult parsed = root.Parse(args);
    if (CommandLineProblem.Describe(parsed, "./megainfer bench") is { } problem)
        throw new MegaInferException(problem);
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (OperationCanceledException)
{
    return 130; // as a shell counts Ctrl-C
}
catch (MegaInferException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return 1;
}
