using MegaInfer.Engine.Requests;

namespace MegaInfer.Server.Streaming;

/// <summary>The next part of a sequence for a client that reads text.</summary>
/// <param name="Text">May be empty: a character or a possible stop string is not complete yet.</param>
/// <param name="Tokens">The tokens that came with it, in order.</param>
internal readonly record struct TextChunk(string Text, IReadOnlyList<GeneratedToken> Tokens);
