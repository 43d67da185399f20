namespace MegaInfer.Rl.Tasks;

/// <summary>One question and its reply.</summary>
/// <param name="Question">What the user writes.</param>
/// <param name="Reply">What the assistant answers.</param>
/// <param name="Problem">The problem behind it, or null for small talk.</param>
public sealed record Turn(string Question, string Reply, Problem? Problem);

/// <summary>A training example: a chat, or (without the chat's frame) a bare question to be completed.</summary>
/// <param name="System">The system message, or null.</param>
/// <param name="Turns">At least one turn.</param>
/// <param name="IsBare">Whether the question stands without chat marks and the reply follows on the next line.</param>
public sealed record Conversation(string? System, IReadOnlyList<Turn> Turns, bool IsBare);
