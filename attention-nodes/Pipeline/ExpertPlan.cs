using MegaInfer.Engine;
using MegaInfer.Engine.Moe;
using MegaInfer.M2N;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// Where the pairs of one dispatch go: counts per expert and per rank, then the place of each pair within its piece. Pairs of a piece are sorted by expert, rows of a
/// piece are in row order and each only once. Scratch of <see cref="ExpertLink"/>, reused by every dispatch; nothing is allocated after construction.
/// </summary>
internal sealed class ExpertPlan
{
    private readonly int _topK;
    private readonly int[] _pairsOfExpert;
    private readonly int[] _nextPairOfExpert;
    private readonly int[] _rankOfExpert;

    // Indexed by rank.
    private readonly int[] _lastRow;
    private readonly int[] _rowStart;
    private readonly int[] _rowsPlaced;

    // Flattened placement: the ranks of expert e are _holders[_holderStart[e] .. _holderStart[e + 1]].
    private readonly int[] _holderStart;
    private int[] _holders = [];

    public ExpertPlan(int expertCount, int topK, int maxPeers)
    {
        _topK = topK;
        _pairsOfExpert = new int[expertCount];
        _nextPairOfExpert = new int[expertCount];
        _rankOfExpert = new int[expertCount];
        _holderStart = new int[expertCount + 1];
        _lastRow = new int[maxPeers];
        _rowStart = new int[maxPeers];
        _rowsPlaced = new int[maxPeers];
        Rows = new int[maxPeers];
        Pairs = new int[maxPeers];
        Groups = new int[maxPeers];
    }

    /// <summary>The ranks that hold experts, ascending.</summary>
    public int[] Ranks { get; private set; } = [];

    /// <summary>[rank] Distinct rows of its piece.</summary>
    public int[] Rows { get; }

    /// <summary>[rank]</summary>
    public int[] Pairs { get; }

    /// <summary>[rank]</summary>
    public int[] Groups { get; }

    /// <summary>Takes over a complete placement, between steps.</summary>
    public void Use(ExpertPlacement placement)
    {
        var holders = new List<int>();
        for (int expert = 0; expert < placement.ExpertCount; expert++)
        {
            _holderStart[expert] = holders.Count;
            holders.AddRange(placement.RanksOf(new ExpertId(expert)).Select(rank => rank.Value));
        }

        _holderStart[placement.ExpertCount] = holders.Count;
        _holders = [.. holders];
        Ranks = [.. holders.Distinct().Order()];
    }

    /// <summary>Counts rows, pairs and groups per rank.</summary>
    /// <param name="experts">[rows, top-k]</param>
    /// <param name="turn">Which of an expert's replicas takes this dispatch. Any number: it spreads load, and the bits do not depend on it.</param>
    public void Count(ReadOnlySpan<int> experts, int turn)
    {
        Array.Clear(_pairsOfExpert);
        foreach (int rank in Ranks)
        {
            Rows[rank] = Pairs[rank] = Groups[rank] = _rowsPlaced[rank] = 0;
            _lastRow[rank] = -1;
        }

        // One replica takes all pairs of an expert in this dispatch, so that its weights are read once.
        for (int expert = 0; expert < _rankOfExpert.Length; expert++)
        {
            int from = _holderStart[expert], count = _holderStart[expert + 1] - from;
            _rankOfExpert[expert] = _holders[from + (count == 1 ? 0 : (int)((uint)(expert + turn) % (uint)count))];
        }

        for (int pair = 0, row = 0; pair < experts.Length; row++)
        {
            for (int end = pair + _topK; pair < end; pair++)
            {
                int expert = experts[pair];
                int rank = _rankOfExpert[expert];
                if (_pairsOfExpert[expert]++ == 0)
                    Groups[rank]++;
                Pairs[rank]++;
                if (_lastRow[rank] != row)
                {
                    _lastRow[rank] = row;
                    Rows[rank]++;
                }
            }
        }

        int start = 0;
        foreach (int rank in Ranks)
        {
            _rowStart[rank] = start;
            start += Rows[rank];
            _lastRow[rank] = -1;
        }
    }

    /// <summary>Writes a rank's groups and sets where each of its experts' pairs begin.</summary>
    public void WriteGroups(int rank, Span<Group> groups)
    {
        int group = 0, pairs = 0;
        for (int expert = 0; expert < _rankOfExpert.Length; expert++)
        {
            if (_rankOfExpert[expert] != rank || _pairsOfExpert[expert] == 0)
                continue;
            groups[group++] = new Group((uint)expert, (uint)_pairsOfExpert[expert]);
            _nextPairOfExpert[expert] = pairs;
            pairs += _pairsOfExpert[expert];
        }
    }

    /// <summary>
    /// Gives each pair its place: which rank, and which pair of that rank's piece. Also lists which rows each rank gets, in <paramref name="rowIndex"/> from
    /// <see cref="RowStart"/> on.
    /// </summary>
    /// <param name="experts">[rows, top-k]</param>
    /// <param name="rowOfPair">[rank] Slots to write each pair's row into; ranks without an open piece are skipped.</param>
    /// <param name="isOpen">[rank]</param>
    /// <param name="places">[rows, top-k]</param>
    public void Place(ReadOnlySpan<int> experts, ReadOnlySpan<SlotView> rowOfPair, ReadOnlySpan<bool> isOpen, Span<int> rowIndex, Span<PairPlace> places)
    {
        for (int pair = 0, row = 0; pair < experts.Length; row++)
        {
            for (int end = pair + _topK; pair < end; pair++)
            {
                int expert = experts[pair];
                int rank = _rankOfExpert[expert];
                if (!isOpen[rank])
                    continue;
                if (_lastRow[rank] != row)
                {
                    _lastRow[rank] = row;
                    rowIndex[_rowStart[rank] + _rowsPlaced[rank]++] = row;
                }

                int position = _nextPairOfExpert[expert]++;
                rowOfPair[rank].RowOfPair[position] = (uint)(_rowsPlaced[rank] - 1);
                places[pair] = new PairPlace(rank, position);
            }
        }
    }

    /// <summary>Where a rank's rows begin in the row index.</summary>
    public int RowStart(int rank) => _rowStart[rank];
}
