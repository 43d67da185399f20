using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using MegaInfer.Bench;
using MegaInfer.Bench.Micro;

// In this process: the native libraries and the central package versions are then those of the build, and a run takes seconds.
// `--filter *Sampler*` chooses, `--list flat` shows all.
using BenchLock held = await BenchLock.TakeAsync(Console.Error, default);
IConfig config = DefaultConfig.Instance
    .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "megainfer-micro"))
    .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
    .AddDiagnoser(MemoryDiagnoser.Default);
BenchmarkSwitcher.FromAssembly(typeof(SamplerBenchmarks).Assembly).Run(args, config);
