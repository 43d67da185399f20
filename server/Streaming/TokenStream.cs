using System.Threading.Channels;
using MegaInfer.Engine.Requests;

namespace MegaInfer.Server.Streaming;

/// <summary>
/// The bounded channel between an attention node and one client: tokens go in as steps finish and come out as the client reads. The router writes and never
/// waits; when a client is so slow that the bound is reached, the sequence ends, so that neither memory grows nor anyone else waits. One
/// reader; disposing before the end frees the sequence upstream within a step.
/// </summary>
internal sealed class TokenStream : IDisposable
{
    private readonly Channel<StreamItem> _items;
    private readonly Action<FinishReason> _finish;
    private SequenceEnd? _end;

    /// <param name="request">The sequence that it carries.</param>
    /// <param name="capacity">Undelivered items at most.</param>
    /// <param name="finish">Ends the sequence from this side, with the reason; called at most once, and not after the end.</param>
    public TokenStream(GenerationRequest request, int capacity, Action<FinishReason> finish)
    {
        Request = request;
        _items = Channel.CreateBounded<StreamItem>(new BoundedChannelOptions(capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        _finish = finish;
    }

    public GenerationRequest Request { get; }

    /// <summary>How it ended; there when <see cref="WaitAsync"/> has said that nothing more comes.</summary>
    public SequenceEnd End => _end ?? throw new InvalidOperationException("The stream has not ended.");

    /// <summary>True when something can be taken; false at the end.</summary>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public ValueTask<bool> WaitAsync(CancellationToken cancel) => _items.Reader.WaitToReadAsync(cancel);

    public bool TryTake(out StreamItem item) => _items.Reader.TryRead(out item);

    /// <summary>Ends the sequence early because the reader has what it wanted (a stop string). What is still on its way is dropped.</summary>
    public void Stop() => Finish(FinishReason.Stop);

    /// <summary>Ends the sequence if it has not ended: the client left.</summary>
    public void Dispose() => Finish(FinishReason.Cancelled);

    /// <summary>For the router: hands on one item; false when the client is too far behind.</summary>
    internal bool Offer(StreamItem item) => _items.Writer.TryWrite(item);

    /// <summary>For the router: nothing more comes. The first call counts.</summary>
    internal void Complete(SequenceEnd end)
    {
        if (Interlocked.CompareExchange(ref _end, end, null) is null)
            _items.Writer.TryComplete();
    }

    private void Finish(FinishReason reason)
    {
        if (Volatile.Read(ref _end) is null)
            _finish(reason);
    }
}
