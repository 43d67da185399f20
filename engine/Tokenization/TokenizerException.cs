namespace MegaInfer.Engine.Tokenization;

/// <summary>
/// A tokenizer file that cannot be used. The message is one sentence for the user: it names the file and the thing in it.
/// </summary>
public sealed class TokenizerException : MegaInferException
{
    public TokenizerException()
    {
    }

    public TokenizerException(string message)
        : base(message)
    {
    }

    public TokenizerException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
