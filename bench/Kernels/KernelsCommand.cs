using System.CommandLine;
using System.Diagnostics;
using MegaInfer.Bench.Load;
using MegaInfer.Bench.Machine;
using MegaInfer.Bench.Models;
using MegaInfer.Bench.Reports;
using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;

namespace MegaInfer.Bench.Kernels;

/// <summary><c>kernels</c>: each operation that takes a step's time, alone, beside its floor.</summary>
internal sealed class KernelsCommand
{
    private static readonly TimeSpan LeastTime = TimeSpan.FromMilliseconds(300);
    private const int Passes = 5;

    private static readonly IReadOnlyList<Column<KernelRow>> Columns =
    [
        new("operation", row => row.Operation),
        new("weights", row => row.Dtype),
        new("rows", row => $"{row.Rows}"),
        new("us", row => $"{row.Us:0.0}"),
        new("floor us", row => $"{row.FloorUs:0.0}"),
        new("/ floor", row => $"{row.ShareOfFloor:0.00}"),
        new("GB/s", row => $"{row.Bytes / row.Us / 1e3:0.0}"),
        new("GFLOP/s", row => row.Flops > 0 ? $"{row.Flops / row.Us / 1e3:0}" : "-"),
    ];

    private readonly Option<string> _shape = new("--shape") { Description = $"The model's shape: {NamedShapes.Names}.", DefaultValueFactory = _ => "bench-a" };
    private readonly Option<string> _rows = new("--rows") { Description = "Rows of a call.", DefaultValueFactory = _ => "1,4,16,32,64" };
    private readonly Option<string> _dtype = new("--dtype") { Description = "Weight types, of fp32, bf16, int8, int4.", DefaultValueFactory = _ => "bf16,int8,int4" };
    private readonly Option<int> _threads = new("--threads") { Description = "Kernel threads; 0: one per core.", DefaultValueFactory = _ => 0 };
    private readonly ReportOptions _report = new();

    internal Command Build()
    {
        var command = new Command("kernels", "Each operation of a step alone, beside the floor of memory and arithmetic.") { _shape, _rows, _dtype, _threads };
        _report.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        string shape = parsed.GetRequiredValue(_shape);
        IReadOnlyList<int> rowCounts = ClusterOptions.ParseList("--rows", parsed.GetRequiredValue(_rows));
        WeightType[] types = [.. parsed.GetRequiredValue(_dtype).Split(',').Select(ParseType)];
        using BenchLock held = await BenchLock.TakeAsync(Console.Error, cancel);
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = parsed.GetValue(_threads) });
        MachineInfo machine = MachineInfo.Measure(context.ThreadCount);
        var measured = new List<KernelRow>();
        using (var cases = new KernelCases(context, NamedShapes.Find(shape), rowCounts.Max()))
        {
            foreach (KernelCase one in types.SelectMany(type => cases.Experts(type, rowCounts).Concat(cases.Products(type, rowCounts))).Concat(cases.Attention(rowCounts)))
            {
                cancel.ThrowIfCancellationRequested();
                measured.Add(Measure(one, machine));
                Console.Error.WriteLine($"{one.Operation}, {one.Dtype}, {one.Rows} rows: {measured[^1].Us:0.0} us");
            }
        }

        await _report.WriteAsync(parsed, $"kernels, {shape}, {context.Backend}, {context.ThreadCount} threads", new Report<KernelRow>(machine, measured), Columns);
        return 0;
    }

    private static KernelRow Measure(KernelCase one, MachineInfo machine)
    {
        double rate = machine.FmaGflopPerS * (one.IsBFloat16Product ? machine.BFloat16Gain : 1);
        double floor = Math.Max(one.Bytes / (machine.ReadGbPerS * 1e3), one.Flops / (rate * 1e3));
        return new KernelRow { Operation = one.Operation, Dtype = one.Dtype, Rows = one.Rows, Us = MedianUs(one.Call), Bytes = one.Bytes, Flops = one.Flops, FloorUs = floor };
    }

    private static double MedianUs(Action<int> call)
    {
        int next = 0;
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < LeastTime / Passes)
            call(next++);
        int calls = Math.Max(1, next);
        double[] passes = new double[Passes];
        for (int pass = 0; pass < Passes; pass++)
        {
            started = Stopwatch.GetTimestamp();
            for (int i = 0; i < calls; i++)
                call(next++);
            passes[pass] = Stopwatch.GetElapsedTime(started).TotalMicroseconds / calls;
        }

        Array.Sort(passes);
        return passes[Passes / 2];
    }

    private static WeightType ParseType(string name) => NumberTypes.FromShortName(name) is { } type && type != NumberType.Float16
        ? (WeightType)type
        : throw new MegaInferException($"'{name}' is not a type for --dtype; use fp32, bf16, int8 or int4, or several with commas.");
}
