using System.Text;
using System.Text.RegularExpressions;

namespace MegaInfer.Rl.Tokens;

/// <summary>
/// Byte-level BPE: text is cut by the pre-tokenizer pattern (digits stand alone), each piece starts as UTF-8 bytes and is merged in the
/// order of the learned merges. Ids: 256 bytes in the order of <see cref="ByteAlphabet"/>, one per merge, then the special tokens.
/// Not thread safe (it caches pieces); trainers make one per thread.
/// </summary>
public sealed partial class BytePairEncoding
{
    /// <summary>The special tokens in the order of their ids.</summary>
    public static readonly string[] Specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

    /// <summary>The pre-tokenizer's pattern, as written to tokenizer.json.</summary>
    public const string Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private readonly Dictionary<(int Left, int Right), int> _merged = [];
    private readonly Dictionary<string, int[]> _pieces = [];
    private readonly List<byte[]> _bytes = [];

    /// <summary>An encoding with the given merges; a merge of pair i has the id 256 + i.</summary>
    public BytePairEncoding(IReadOnlyList<(int Left, int Right)> merges)
    {
        Merges = merges;
        for (int i = 0; i < 256; i++)
            _bytes.Add([ByteAlphabet.ByteOf(i)]);
        foreach ((int left, int right) in merges)
        {
            _merged.Add((left, right), _bytes.Count);
            _bytes.Add([.. _bytes[left], .. _bytes[right]]);
        }
    }

    /// <summary>The merges in the order of learning.</summary>
    public IReadOnlyList<(int Left, int Right)> Merges { get; }

    /// <summary>Number of ids, special tokens included.</summary>
    public int VocabularySize => _bytes.Count + Specials.Length;

    /// <summary>Id of <c>&lt;|endoftext|&gt;</c>.</summary>
    public int EndOfText => _bytes.Count;

    /// <summary>Id of <c>&lt;|im_start|&gt;</c>.</summary>
    public int StartOfMessage => _bytes.Count + 1;

    /// <summary>Id of <c>&lt;|im_end|&gt;</c>.</summary>
    public int EndOfMessage => _bytes.Count + 2;

    /// <summary>Cuts text the way the pre-tokenizer does.</summary>
    public static IReadOnlyList<string> Cut(string text)
    {
        List<string> pieces = [];
        foreach (ValueMatch match in Pieces().EnumerateMatches(text))
            pieces.Add(text.Substring(match.Index, match.Length));
        return pieces;
    }

    /// <summary>Appends the ids of plain text (no special tokens are recognised).</summary>
    public void Encode(string text, List<int> ids)
    {
        foreach (string piece in Cut(text))
        {
            if (!_pieces.TryGetValue(piece, out int[]? encoded))
                _pieces[piece] = encoded = EncodePiece(piece);
            ids.AddRange(encoded);
        }
    }

    /// <summary>The text of ids; special tokens become nothing.</summary>
    public string Decode(IEnumerable<int> ids) =>
        Encoding.UTF8.GetString([.. ids.Where(id => id < _bytes.Count).SelectMany(id => _bytes[id])]);

    /// <summary>The bytes an ordinary id stands for.</summary>
    public IReadOnlyList<byte> BytesOf(int id) => _bytes[id];

    private int[] EncodePiece(string piece)
    {
        List<int> ids = [.. Encoding.UTF8.GetBytes(piece).Select(ByteAlphabet.IdOf)];
        while (ids.Count > 1)
        {
            int best = int.MaxValue;
            for (int i = 0; i + 1 < ids.Count; i++)
                best = Math.Min(best, _merged.GetValueOrDefault((ids[i], ids[i + 1]), int.MaxValue));
            if (best == int.MaxValue)
                break;
            (int left, int right) = Merges[best - 256];
            for (int i = 0; i + 1 < ids.Count; i++)
            {
                if (ids[i] == left && ids[i + 1] == right)
                {
                    ids[i] = best;
                    ids.RemoveAt(i + 1);
                }
            }
        }
        return [.. ids];
    }

    [GeneratedRegex(Pattern, RegexOptions.CultureInvariant)]
    private static partial Regex Pieces();
}
