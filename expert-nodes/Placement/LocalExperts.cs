using System.Collections.Immutable;
using MegaInfer.Engine;

namespace MegaInfer.ExpertNodes.Placement;

/// <summary>
/// The experts that this node holds, the same set in every layer: where a global expert id is found among the packed ones. Immutable.
/// </summary>
public sealed class LocalExperts
{
    private const int Absent = -1;
    private readonly int[] _localOfGlobal;

    /// <param name="expertCount">Experts of a layer in the whole model.</param>
    /// <param name="held">In any order; local indexes follow ascending ids.</param>
    /// <exception cref="ArgumentException">An id outside 0..expertCount-1, or the same one twice.</exception>
    public LocalExperts(int expertCount, IEnumerable<ExpertId> held)
    {
        Held = [.. held.OrderBy(expert => expert.Value)];
        _localOfGlobal = new int[expertCount];
        Array.Fill(_localOfGlobal, Absent);
        for (int local = 0; local < Held.Length; local++)
        {
            int global = Held[local].Value;
            if (global < 0 || global >= expertCount)
                throw new ArgumentException($"Expert {global} is outside 0..{expertCount - 1}.", nameof(held));
            if (_localOfGlobal[global] != Absent)
                throw new ArgumentException($"Expert {global} is listed twice.", nameof(held));
            _localOfGlobal[global] = local;
        }
    }

    /// <summary>Ascending; the i-th is local expert i.</summary>
    public ImmutableArray<ExpertId> Held { get; }

    public int Count => Held.Length;

    /// <summary>The local index of a group's key; false for an expert that is elsewhere or nowhere. Any key is legal: it comes from a peer.</summary>
    public bool TryFind(uint key, out int local)
    {
        local = key < (uint)_localOfGlobal.Length ? _localOfGlobal[key] : Absent;
        return local != Absent;
    }
}
