namespace MegaInfer.Engine.Reference;

/// <summary>A token id to its hidden row: mk_embed.</summary>
/// <param name="table">[vocabulary, hidden] widened to fp32.</param>
/// <param name="hidden">Width of a row.</param>
internal sealed class Embedding(float[] table, int hidden)
{
    // id -> [hidden]
    public float[] Forward(int token) => table.AsSpan(token * hidden, hidden).ToArray();
}
