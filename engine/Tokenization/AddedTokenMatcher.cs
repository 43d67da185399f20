using System.Buffers;
using System.Text;
using MegaInfer.Engine.Tokenization.Patterns;

namespace MegaInfer.Engine.Tokenization;

/// <summary>
/// Cuts text at added tokens: leftmost first, the longest of those that start at one place. Immutable; any thread may use it.
/// </summary>
internal sealed class AddedTokenMatcher
{
    private readonly List<Node> _nodes = [new Node()];
    private readonly SearchValues<char> _firstChars;

    /// <param name="tokens">Tokens, each with the text to look for.</param>
    public AddedTokenMatcher(IEnumerable<(string Text, AddedToken Token)> tokens)
    {
        HashSet<char> firstChars = [];
        foreach ((string text, AddedToken token) in tokens)
        {
            if (text.Length == 0)
                continue;
            firstChars.Add(text[0]);
            Insert(text, token);
        }

        _firstChars = SearchValues.Create([.. firstChars]);
    }

    /// <summary>Calls back for each stretch of the text in order; Token is null for ordinary text, which is never empty.</summary>
    public void Split(ReadOnlyMemory<char> text, Action<ReadOnlyMemory<char>, AddedToken?> visit)
    {
        int done = 0;
        int at = 0;
        while (TryFind(text.Span, ref at, out AddedToken? token, out int length))
        {
            int start = at;
            int end = at + length;
            while (token!.StripsLeft && start > done && char.IsWhiteSpace(text.Span[start - 1]))
                start--;
            while (token.StripsRight && end < text.Length && char.IsWhiteSpace(text.Span[end]))
                end++;
            if (start > done)
                visit(text[done..start], null);
            visit(text[start..end], token);
            done = at = end;
        }

        if (done < text.Length)
            visit(text[done..], null);
    }

    private bool TryFind(ReadOnlySpan<char> text, ref int at, out AddedToken? token, out int length)
    {
        while (at < text.Length)
        {
            int step = text[at..].IndexOfAny(_firstChars);
            if (step < 0)
                break;
            at += step;
            if (TryMatch(text, at, out token, out length))
                return true;
            at++;
        }

        (token, length) = (null, 0);
        return false;
    }

    private bool TryMatch(ReadOnlySpan<char> text, int at, out AddedToken? token, out int length)
    {
        (token, length) = (null, 0);
        int node = 0;
        for (int i = at; i < text.Length && _nodes[node].Children.TryGetValue(text[i], out node); i++)
        {
            if (_nodes[node].Token is AddedToken found)
                (token, length) = (found, i + 1 - at);
        }

        return token is not null && !(token.IsSingleWord && TouchesWord(text, at, at + length));
    }

    private static bool TouchesWord(ReadOnlySpan<char> text, int start, int end)
    {
        bool before = start > 0 && Rune.DecodeLastFromUtf16(text[..start], out Rune left, out _) == OperationStatus.Done
            && CharClass.Word.Contains(left.Value);
        return before || (end < text.Length && Rune.DecodeFromUtf16(text[end..], out Rune right, out _) == OperationStatus.Done
            && CharClass.Word.Contains(right.Value));
    }

    private void Insert(string text, AddedToken token)
    {
        int node = 0;
        foreach (char c in text)
        {
            if (!_nodes[node].Children.TryGetValue(c, out int child))
            {
                child = _nodes.Count;
                _nodes.Add(new Node());
                _nodes[node].Children[c] = child;
            }

            node = child;
        }

        _nodes[node].Token = token;
    }

    private sealed class Node
    {
        public Dictionary<char, int> Children { get; } = [];

        public AddedToken? Token { get; set; }
    }
}
