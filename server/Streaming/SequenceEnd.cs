using MegaInfer.Engine.Requests;

namespace MegaInfer.Server.Streaming;

/// <summary>How a sequence ended, exactly once.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Message">What went wrong, where the reason is Failed.</param>
/// <param name="CachedTokens">Prompt tokens whose KV came from the prefix cache.</param>
internal sealed record SequenceEnd(FinishReason Reason, string Message = "", int CachedTokens = 0)
{
    /// <summary>Nothing is wrong with the request: no node could serve it, or the server stopped.</summary>
    public bool IsUnavailable { get; init; }
}
