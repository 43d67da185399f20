namespace MegaInfer.Engine.Checkpoints;

/// <summary>A model folder cannot be used: the message names the file, the tensor or field, what was expected and what was found.</summary>
public sealed class CheckpointException : MegaInferException
{
    public CheckpointException(string message)
        : base(message)
    {
    }

    public CheckpointException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public CheckpointException()
    {
    }
}
