using BenchmarkDotNet.Attributes;
using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Micro;

/// <summary>Blocks of a sequence taken and freed.</summary>
public class BlockPoolBenchmarks
{
    private const int Blocks = 64;
    private readonly BlockPool _pool = new(4096);
    private readonly BlockId[] _taken = new BlockId[Blocks];

    [Benchmark(OperationsPerInvoke = Blocks)]
    public int TakeAndFree()
    {
        for (int i = 0; i < Blocks; i++)
            _pool.TryTake(out _taken[i]);
        foreach (BlockId block in _taken)
            _pool.Free(block);
        return _pool.FreeCount;
    }
}
