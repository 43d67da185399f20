namespace MegaInfer.Engine.Tokenization.PreTokenizers;

/// <summary>Cuts text into the pieces that merges never cross. Immutable; any thread may use it.</summary>
internal abstract class PreTokenizer
{
    /// <param name="piece">Text to cut; never empty.</param>
    /// <param name="isTextStart">Whether the piece stands at the very start of the text.</param>
    /// <param name="output">Receives the pieces in order.</param>
    public abstract void Split(ReadOnlyMemory<char> piece, bool isTextStart, List<ReadOnlyMemory<char>> output);
}
