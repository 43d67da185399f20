using MegaInfer.Engine.Memory;
using MegaInfer.Kernels;
using MegaInfer.M2N;

namespace MegaInfer.ExpertNodes.Tests;

/// <summary>One sender's rows in memory of our own, as a piece would hold them.</summary>
internal sealed class TestPiece : IDisposable
{
    private readonly DeviceBuffer _rows;
    private readonly DeviceBuffer _results;
    private readonly int _hidden;

    public TestPiece(KernelContext context, int hidden, int rows, Group[] groups, uint[] rowOfPair, Random random)
    {
        _hidden = hidden;
        Groups = groups;
        RowOfPair = rowOfPair;
        _rows = context.Allocate((long)Math.Max(rows, 1) * hidden * sizeof(float));
        _results = context.Allocate((long)Math.Max(rowOfPair.Length, 1) * hidden * sizeof(float));
        foreach (ref float value in _rows.HostSpan<float>())
            value = (random.NextSingle() * 2) - 1;
        _results.HostSpan<float>().Fill(float.NaN);
    }

    public Group[] Groups { get; }

    public uint[] RowOfPair { get; }

    public DeviceAddress Rows => _rows.Address;

    public DeviceAddress Results => _results.Address;

    public DeviceAddress Row(int pair) => Rows.Plus((long)RowOfPair[pair] * _hidden * sizeof(float));

    public DeviceAddress Result(int pair) => Results.Plus((long)pair * _hidden * sizeof(float));

    public float[] ResultRow(int pair) => Result(pair).HostSpan<float>(_hidden).ToArray();

    /// <summary>A piece with the given experts and a random number of pairs of each.</summary>
    public static TestPiece Make(KernelContext context, int hidden, int rows, IEnumerable<int> experts, Random random)
    {
        Group[] groups = [.. experts.Order().Select(expert => new Group((uint)expert, (uint)random.Next(1, rows + 1)))];
        uint[] rowOfPair = [.. groups.SelectMany(group => Enumerable.Range(0, rows).OrderBy(_ => random.Next()).Take((int)group.Pairs).Order()).Select(row => (uint)row)];
        return new TestPiece(context, hidden, rows, groups, rowOfPair, random);
    }

    public void Dispose()
    {
        _rows.Dispose();
        _results.Dispose();
    }
}
