using MegaInfer.Engine;

namespace MegaInfer.Server.Routing;

/// <summary>A request was not admitted although nothing is wrong with it: too much work, or the server stops. Try again later.</summary>
public sealed class AdmissionException : MegaInferException
{
    public AdmissionException()
    {
    }

    public AdmissionException(string message)
        : base(message)
    {
    }

    public AdmissionException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public AdmissionException(string message, TimeSpan retryAfter, bool isStopping)
        : base(message)
    {
        RetryAfter = retryAfter;
        IsStopping = isStopping;
    }

    /// <summary>When it is worth trying again.</summary>
    public TimeSpan RetryAfter { get; } = TimeSpan.FromSeconds(1);

    /// <summary>The server takes nothing new any more.</summary>
    public bool IsStopping { get; }
}
