using System.Runtime.CompilerServices;
using MegaInfer.Engine.Requests;
using MegaInfer.Engine.Tokenization;

namespace MegaInfer.Server.Streaming;

/// <summary>
/// A <see cref="TokenStream"/> as text: ids become characters as soon as they are complete, and stop strings end the text wherever the borders of tokens lie. One
/// reader.
/// </summary>
internal sealed class TextStream : IDisposable
{
    private readonly TokenStream _tokens;
    private readonly IncrementalDetokenizer _detokenizer;
    private readonly StopStringMatcher _stops;
    private readonly IReadOnlyList<int> _eosTokenIds;
    private SequenceEnd? _stopped;

    /// <param name="tokens">Owned: disposed with this.</param>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="stopStrings">Any of them ends the text; it is not part of it.</param>
    /// <param name="eosTokenIds">The model's own end tokens.</param>
    public TextStream(TokenStream tokens, Tokenizer tokenizer, IReadOnlyList<string> stopStrings, IReadOnlyList<int> eosTokenIds)
    {
        _tokens = tokens;
        _detokenizer = new IncrementalDetokenizer(tokenizer);
        _stops = new StopStringMatcher(stopStrings);
        _eosTokenIds = eosTokenIds;
    }

    public GenerationRequest Request => _tokens.Request;

    /// <summary>Tokens read so far.</summary>
    public int TokenCount { get; private set; }

    /// <summary>How it ended; after the last chunk.</summary>
    public SequenceEnd End => _stopped ?? _tokens.End;

    /// <summary>One chunk for each token, and one more where text was held back at the end.</summary>
    public async IAsyncEnumerable<TextChunk> ReadAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        while (await _tokens.WaitAsync(cancel))
        {
            while (_tokens.TryTake(out StreamItem item))
            {
                TokenCount++;
                yield return new TextChunk(TextOf(item.Token.Id), [item.Token]);
                if (_stops.Matched is null)
                    continue;
                _stopped = new SequenceEnd(FinishReason.Stop);
                _tokens.Stop();
                yield break;
            }
        }

        string rest = _stops.Append(_detokenizer.Flush()) + _stops.Flush();
        if (rest.Length > 0)
            yield return new TextChunk(rest, []);
    }

    public void Dispose() => _tokens.Dispose();

    private string TextOf(int id)
    {
        if (IsStopToken(id))
            return "";
        string text = _detokenizer.Append(id);
        // Nothing stops a text before it has its least number of tokens; a stop string must then lie behind that.
        return TokenCount <= Request.MinTokens ? text : _stops.Append(text);
    }

    // A token that ends the sequence is not part of its text, whether it is a special token or not.
    private bool IsStopToken(int id) => TokenCount >= Request.MinTokens
        && (Request.StopTokenIds.Contains(id) || (!Request.IgnoreEos && _eosTokenIds.Contains(id)));
}
