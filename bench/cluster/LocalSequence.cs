using System.Diagnostics;
using System.Threading.Channels;
using MegaInfer.AttentionNodes;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;

namespace MegaInfer.Bench.Cluster;

/// <summary>One submitted sequence, as the client of a <see cref="LocalCluster"/> sees it.</summary>
public sealed class LocalSequence
{
    private readonly Channel<GeneratedToken> _stream = Channel.CreateUnbounded<GeneratedToken>(new UnboundedChannelOptions { SingleWriter = true });
    private readonly TaskCompletionSource<LocalResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<GeneratedToken> _tokens = [];
    private readonly List<long> _arrivals = [];
    private readonly List<ReadOnlyMemory<float>> _promptLogits = [];

    internal LocalSequence(SequenceId id) => Id = id;

    public SequenceId Id { get; }

    /// <summary>Tokens as they come. One reader.</summary>
    public IAsyncEnumerable<GeneratedToken> Stream => _stream.Reader.ReadAllAsync();

    /// <summary>Everything, at the end.</summary>
    public Task<LocalResult> Completion => _completion.Task;

    internal void Add(SequenceReport news)
    {
        long now = Stopwatch.GetTimestamp();
        foreach (GeneratedToken token in news.Tokens)
        {
            _tokens.Add(token);
            _arrivals.Add(now);
            _stream.Writer.TryWrite(token);
        }

        if (!news.PromptLogits.IsEmpty)
            _promptLogits.Add(news.PromptLogits);
        if (news.End is not { } end)
            return;
        _stream.Writer.TryComplete();
        _completion.TrySetResult(new LocalResult(_tokens, _arrivals, Join(_promptLogits), end));
    }

    internal void Fail(Exception error)
    {
        _stream.Writer.TryComplete(error);
        _completion.TrySetException(error);
    }

    private static float[] Join(List<ReadOnlyMemory<float>> parts)
    {
        float[] all = new float[parts.Sum(part => part.Length)];
        int offset = 0;
        foreach (ReadOnlyMemory<float> part in parts)
        {
            part.CopyTo(all.AsMemory(offset));
            offset += part.Length;
        }

        return all;
    }
}
