namespace MegaInfer.Engine.ChatTemplates;

/// <summary>
/// A chat template that cannot be used, or that refuses a conversation. The message is one sentence for the user.
/// </summary>
public sealed class ChatTemplateException : MegaInferException
{
    public ChatTemplateException()
    {
    }

    public ChatTemplateException(string message)
        : base(message)
    {
    }

    public ChatTemplateException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether the template itself called raise_exception: the conversation is at fault, not the template.</summary>
    public bool IsRaisedByTemplate { get; init; }
}
