namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>What the assistant said.</summary>
internal sealed record ChatMessageAnswer(string Role, string Content)
{
    /// <summary>Always null: the model has no refusals of its own kind.</summary>
    public string? Refusal { get; init; }
}
