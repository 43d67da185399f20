namespace MegaInfer.Engine;

/// <summary>
/// Something a user or operator can mend. <see cref="Exception.Message"/> is one sentence that names the thing and the remedy; every executable
/// prints it without a stack trace and exits non-zero.
/// </summary>
public class MegaInferException : Exception
{
    private const int LongestMessage = 1_000;
    private const int LongestEnd = 200;

    public MegaInferException(string message)
        : base(Shorten(message))
    {
    }

    public MegaInferException(string message, Exception inner)
        : base(Shorten(message), inner)
    {
    }

    public MegaInferException()
    {
    }

    // Sentences quote what stands in files, which can be anything; the remedy stands at their end.
    private static string Shorten(string message) =>
        message.Length <= LongestMessage ? message : $"{message.AsSpan(0, LongestMessage - LongestEnd - 5)} ... {message.AsSpan(message.Length - LongestEnd)}";
}
