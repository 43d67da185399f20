namespace MegaInfer.Engine.Requests;

/// <summary>Why a sequence ended. Every admitted sequence ends exactly once, with one of these.</summary>
public enum FinishReason
{
    /// <summary>A stop token or the model's end token was sampled (or, in the server, a stop string was found).</summary>
    Stop = 1,

    /// <summary>MaxTokens were generated, or the context is full.</summary>
    Length = 2,

    /// <summary>The client left or cancelled.</summary>
    Cancelled = 3,

    /// <summary>The request's deadline passed.</summary>
    DeadlineExceeded = 4,

    /// <summary>The node could not go on; the message says why.</summary>
    Failed = 5,
}
