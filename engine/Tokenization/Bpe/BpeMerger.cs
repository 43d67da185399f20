using System.Buffers;

namespace MegaInfer.Engine.Tokenization.Bpe;

/// <summary>
/// The merge loop: a linked list of symbols and a heap of candidate merges ordered by (rank, position), so that a piece of
/// n symbols takes O(n log n) steps however long it is.
/// </summary>
internal ref struct BpeMerger
{
    private const int Gone = -1;

    private readonly MergeTable _merges;
    private readonly Span<int> _symbols;
    private readonly Span<int> _next;
    private readonly Span<int> _previous;
    private readonly Span<Candidate> _heap;
    private int _heapCount;

    private BpeMerger(MergeTable merges, Span<int> symbols, Span<int> links, Span<Candidate> heap)
    {
        _merges = merges;
        _symbols = symbols;
        _next = links[..symbols.Length];
        _previous = links[symbols.Length..];
        _heap = heap;
    }

    /// <summary>Merges the symbols, which are used as scratch space, and appends the ids that are left.</summary>
    public static void Run(MergeTable merges, Span<int> symbols, List<int> ids)
    {
        if (symbols.Length < 2)
        {
            ids.AddRange((ReadOnlySpan<int>)symbols);
            return;
        }

        // Every merge removes one candidate and adds at most two, so three per symbol are enough.
        int[] links = ArrayPool<int>.Shared.Rent(symbols.Length * 2);
        Candidate[] heap = ArrayPool<Candidate>.Shared.Rent(symbols.Length * 3);
        new BpeMerger(merges, symbols, links.AsSpan(0, symbols.Length * 2), heap).Run(ids);
        ArrayPool<int>.Shared.Return(links);
        ArrayPool<Candidate>.Shared.Return(heap);
    }

    private void Run(List<int> ids)
    {
        int count = _symbols.Length;
        for (int i = 0; i < count; i++)
        {
            _previous[i] = i - 1;
            _next[i] = i + 1;
        }

        for (int i = 0; i + 1 < count; i++)
            Consider(i);
        while (_heapCount > 0)
        {
            Candidate candidate = Pop();
            int left = candidate.Position;
            int right = _symbols[left] == Gone ? count : _next[left];

            // Stale if a neighbour has merged away meanwhile: the pair here no longer gives this merge.
            if (right >= count || !_merges.TryGet(_symbols[left], _symbols[right], out int rank, out int id) || rank != candidate.Rank)
                continue;
            _symbols[left] = id;
            _symbols[right] = Gone;
            _next[left] = _next[right];
            if (_next[left] < count)
            {
                _previous[_next[left]] = left;
                Consider(left);
            }

            if (_previous[left] >= 0)
                Consider(_previous[left]);
        }

        for (int i = 0; i < count; i = _next[i])
            ids.Add(_symbols[i]);
    }

    private void Consider(int position)
    {
        if (_merges.TryGet(_symbols[position], _symbols[_next[position]], out int rank, out _))
            Push(new Candidate(rank, position));
    }

    private void Push(Candidate candidate)
    {
        int i = _heapCount++;
        while (i > 0 && candidate.IsBefore(_heap[(i - 1) / 2]))
        {
            _heap[i] = _heap[(i - 1) / 2];
            i = (i - 1) / 2;
        }

        _heap[i] = candidate;
    }

    private Candidate Pop()
    {
        Candidate top = _heap[0];
        Candidate last = _heap[--_heapCount];
        int i = 0;
        while (true)
        {
            int child = i * 2 + 1;
            if (child >= _heapCount)
                break;
            if (child + 1 < _heapCount && _heap[child + 1].IsBefore(_heap[child]))
                child++;
            if (!_heap[child].IsBefore(last))
                break;
            _heap[i] = _heap[child];
            i = child;
        }

        _heap[i] = last;
        return top;
    }

    private readonly record struct Candidate(int Rank, int Position)
    {
        public bool IsBefore(Candidate other) => Rank < other.Rank || (Rank == other.Rank && Position < other.Position);
    }
}
