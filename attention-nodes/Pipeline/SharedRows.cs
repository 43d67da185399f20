using MegaInfer.Engine.Memory;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// What an expert that every row visits reads and writes: a layer's shared expert, or the FFN of a dense layer. Only models that have one have these. The addresses
/// never change, so they are written once.
/// </summary>
/// <param name="Results">[rows, hidden]</param>
/// <param name="Logits">[rows, 1] of the shared expert's gate; null where it has none.</param>
/// <param name="NormedOfRow">[rows] addresses of the rows that experts see.</param>
/// <param name="ResultOfRow">[rows] addresses of the results.</param>
/// <param name="Offsets">[rows + 1, 2] integers 0 and n, for each number n of rows.</param>
public sealed record SharedRows(StepRows Results, StepRows Logits, DeviceAddress NormedOfRow, DeviceAddress ResultOfRow, DeviceAddress Offsets);
