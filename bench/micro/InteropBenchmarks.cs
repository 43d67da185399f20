using BenchmarkDotNet.Attributes;
using MegaInfer.Engine;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;
using MegaInfer.M2N;

namespace MegaInfer.Bench.Micro;

/// <summary>What crossing into the native libraries costs: calls with next to nothing to do.</summary>
public class InteropBenchmarks
{
    private const int Width = 16;
    private readonly KernelContext _context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
    private DeviceBuffer _row = null!;
    private M2NEndpoint _endpoint = null!;
    private RmsNormArgs _none;
    private RmsNormArgs _one;

    [GlobalSetup]
    public void SetUp()
    {
        _row = _context.Allocate(Width * sizeof(float));
        _none = new RmsNormArgs { In = _row.Address, Weight = _row.Address, Out = _row.Address, Groups = 1, Width = Width, InStride = Width, OutStride = Width };
        _one = _none;
        _one.Rows = 1;
        _endpoint = M2NEndpoint.Open(new M2NOptions
        {
            Transport = M2NTransport.Loopback,
            Role = M2NRole.Receiver,
            Rank = new Rank(0),
            MaxPeers = 1,
            Slots = 1,
            MaxRows = 1,
            MaxPairs = 1,
            MaxGroups = 1,
            RowBytes = 64,
            ResultBytes = 64,
        });
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _endpoint.Dispose();
        _row.Dispose();
        _context.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void KernelOfNoRows() => _context.RmsNorm(_none);

    [Benchmark]
    public void KernelOfOneRow() => _context.RmsNorm(_one);

    [Benchmark]
    public M2NStatus ReceiveOfNothing() => _endpoint.Receive(new GatherWindow(1, 0, 1), 0, out _);
}
