namespace MegaInfer.Engine;

/// <summary>
/// Something a user or operator can mend. <see cref="Exception.Message"/> is one sentence that names the thing and the remedy; every executable
/// prints it without a stack trace and exits non-zero.
/// </summary>
public class MegaInferException : Exception
{
    public MegaInferException(string message)
        : base(message)
    {
    }

    public MegaInferException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public MegaInferException()
    {
    }
}
