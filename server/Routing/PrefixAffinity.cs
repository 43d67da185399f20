using MegaInfer.Engine;

namespace MegaInfer.Server.Routing;

/// <summary>
/// Remembers which node last worked on a prompt prefix, by a hash at lengths 16, 32, 64, ... A hint only: a wrong one costs a prefix that is computed again.
/// Two generations bound it: when the young one is full, the old one is forgotten.
/// </summary>
internal sealed class PrefixAffinity
{
    private const int ShortestPrefix = 16;
    private const int GenerationSize = 8192;

    private Dictionary<ulong, NodeId> _young = [];
    private Dictionary<ulong, NodeId> _old = [];

    /// <summary>The node that has the longest known prefix of this prompt; null: none.</summary>
    public NodeId? Find(ReadOnlySpan<int> prompt)
    {
        NodeId? found = null;
        ulong hash = 0;
        int next = ShortestPrefix;
        for (int i = 0; i < prompt.Length; i++)
        {
            hash = Mix(hash, prompt[i]);
            if (i + 1 != next)
                continue;
            next *= 2;
            if (_young.TryGetValue(hash, out NodeId node) || _old.TryGetValue(hash, out node))
                found = node;
            else
                break;
        }

        return found;
    }

    public void Remember(ReadOnlySpan<int> prompt, NodeId node)
    {
        ulong hash = 0;
        int next = ShortestPrefix;
        for (int i = 0; i < prompt.Length; i++)
        {
            hash = Mix(hash, prompt[i]);
            if (i + 1 != next)
                continue;
            next *= 2;
            _young[hash] = node;
        }

        if (_young.Count < GenerationSize)
            return;
        _old = _young;
        _young = [];
    }

    private static ulong Mix(ulong hash, int token)
    {
        hash = (hash ^ (uint)token) * 0x9E3779B97F4A7C15;
        return hash ^ (hash >> 29);
    }
}
