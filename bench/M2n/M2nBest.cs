namespace MegaInfer.Bench.M2n;

/// <summary>The best of several repetitions of each case: what the neighbours of a measurement add is not the engine's.</summary>
internal sealed class M2nBest
{
    private readonly List<M2nCase> _order = [];
    private readonly Dictionary<M2nCase, M2nRow> _rows = [];

    public IReadOnlyList<M2nRow> Rows => [.. _order.Select(it => _rows[it])];

    public void Add(M2nCase it, M2nRow row)
    {
        if (!_rows.TryGetValue(it, out M2nRow? old))
            _order.Add(it);
        _rows[it] = old is null ? row : old with
        {
            P50Us = Math.Min(old.P50Us, row.P50Us),
            P99Us = Math.Min(old.P99Us, row.P99Us),
            GbPerS = Math.Max(old.GbPerS, row.GbPerS),
        };
    }
}
