using System.Collections.Immutable;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>One tensor as a safetensors header states it, checked against the file's length.</summary>
/// <param name="Name">Tensor name.</param>
/// <param name="Dtype">The header's word: F32, BF16, F16, I64 and so on.</param>
/// <param name="Shape">Outermost dimension first; empty for a scalar.</param>
/// <param name="Offset">First byte, from the start of the file.</param>
/// <param name="Bytes">Length of the data.</param>
internal sealed record SafetensorsEntry(string Name, string Dtype, ImmutableArray<int> Shape, long Offset, long Bytes)
{
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}
