using MegaInfer.AttentionNodes.Layers;
using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;
using MegaInfer.M2N;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

/// <summary>The experts in this process, without any transport: computes at dispatch, adds at combine, and fails when the test says so.</summary>
internal sealed class ExpertTwin : IExpertLink, IDisposable
{
    private readonly KernelContext _context;
    private readonly IReadOnlyList<PackedExperts?> _experts;
    private readonly StepMemory _memory;
    private readonly Combine _combine;
    private readonly DeviceBuffer _offsets;
    private readonly DeviceBuffer _rowOfPair;
    private readonly DeviceBuffer _outOfPair;
    private readonly DeviceBuffer _results; // [rows, top-k, hidden] of the step
    private readonly HashSet<MicroBatch> _away = [];
    private readonly int[] _order;
    private readonly int[] _keys;

    public ExpertTwin(TinyModel model, StepMemory memory)
    {
        _context = model.Context;
        _experts = model.Experts;
        _memory = memory;
        _combine = new Combine(_context, memory);
        int pairs = memory.MaxRows * memory.TopK;
        _order = new int[pairs];
        _keys = new int[pairs];
        _offsets = _context.Allocate((memory.ExpertCount + 1) * sizeof(int));
        _rowOfPair = _context.Allocate((long)pairs * nint.Size);
        _outOfPair = _context.Allocate((long)pairs * nint.Size);
        _results = _context.Allocate((long)pairs * memory.HiddenWidth * sizeof(float));
    }

    /// <summary>Asked before every combine; anything but Ok is what combine returns.</summary>
    public Func<M2NStatus>? OnCombine { get; set; }

    /// <summary>What prepare returns.</summary>
    public bool IsReachable { get; set; } = true;

    public int Snapshots { get; private set; }

    public static PackedExperts? Pack(Checkpoint checkpoint, KernelContext context, int layer, NumberType? type)
    {
        ModelSpec spec = checkpoint.Spec;
        if (spec.Layers[layer].IsDense)
            return null;
        ExpertMatrices[] experts = [.. Enumerable.Range(0, spec.Router.ExpertCount).Select(id => checkpoint.Layer(layer).Expert(new ExpertId(id)))];
        return context.PackExperts(experts, spec.Experts, spec.HiddenSize, CheckpointPacking.PackedType([experts[0].Gate], type));
    }

    public void Offer(ClusterSnapshot snapshot) => Snapshots++;

    public bool Prepare() => IsReachable;

    public TimeSpan? UntilNextAttempt() => null;

    public void Dispatch(MicroBatch microBatch, int layer)
    {
        if (!_away.Add(microBatch))
            throw new InvalidOperationException("A micro-batch was dispatched twice without a combine.");
        int pairs = microBatch.RowCount * _memory.TopK;
        ReadOnlySpan<int> experts = _memory.RoutingExpertsOf(microBatch).HostSpan<int>(pairs);
        Span<int> order = _order.AsSpan(0, pairs);
        for (int pair = 0; pair < pairs; pair++)
            order[pair] = pair;
        experts.CopyTo(_keys);
        _keys.AsSpan(0, pairs).Sort(order);
        Span<int> offsets = _offsets.HostSpan<int>();
        offsets.Clear();
        foreach (int expert in experts)
            offsets[expert + 1]++;
        for (int expert = 0; expert < _memory.ExpertCount; expert++)
            offsets[expert + 1] += offsets[expert];
        for (int i = 0; i < pairs; i++)
        {
            _rowOfPair.HostSpan<nint>()[i] = Row(_memory.Normed.Start, microBatch.FirstRow + (order[i] / _memory.TopK)).Value;
            _outOfPair.HostSpan<nint>()[i] = Result(microBatch, order[i]).Value;
        }

        _context.GroupedFfn(_experts[layer] ?? throw new InvalidOperationException("A dense layer was dispatched."), new GroupedFfnArgs
        {
            Offsets = _offsets.Address,
            RowOfPair = _rowOfPair.Address,
            OutOfPair = _outOfPair.Address,
            Pairs = pairs,
        });
    }

    public M2NStatus Combine(MicroBatch microBatch)
    {
        if (!_away.Remove(microBatch))
            throw new InvalidOperationException("A micro-batch was combined that is not away.");
        if (OnCombine?.Invoke() is { } status and not M2NStatus.Ok)
            return status;
        int pairs = microBatch.RowCount * _memory.TopK;
        for (int pair = 0; pair < pairs; pair++)
            _memory.ResultsOf(microBatch).HostSpan<nint>(pairs)[pair] = Result(microBatch, pair).Value;
        _combine.AddExperts(microBatch);
        return M2NStatus.Ok;
    }

    public void Abandon(MicroBatch microBatch) => _away.Remove(microBatch);

    public void Dispose()
    {
        _offsets.Dispose();
        _rowOfPair.Dispose();
        _outOfPair.Dispose();
        _results.Dispose();
    }

    private DeviceAddress Row(DeviceAddress rows, int row) => rows.Plus((long)row * _memory.HiddenWidth * sizeof(float));

    private DeviceAddress Result(MicroBatch microBatch, int pair) => Row(_results.Address, (microBatch.FirstRow * _memory.TopK) + pair);
}
