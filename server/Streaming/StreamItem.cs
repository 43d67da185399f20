using MegaInfer.Engine.Requests;

namespace MegaInfer.Server.Streaming;

/// <summary>What comes out of a <see cref="TokenStream"/>: a token, or a share of the prompt's logits.</summary>
/// <param name="Token">Meaningful where <see cref="IsToken"/>.</param>
/// <param name="PromptLogits">Float32 little-endian, the next bytes of <c>[positions, vocabulary]</c>.</param>
internal readonly record struct StreamItem(GeneratedToken Token, ReadOnlyMemory<byte> PromptLogits)
{
    public bool IsToken => PromptLogits.IsEmpty;
}
