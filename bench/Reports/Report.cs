using MegaInfer.Bench.Machine;

namespace MegaInfer.Bench.Reports;

/// <summary>What <c>--json</c> writes: one object of this shape for every verb, with the verb's own rows.</summary>
internal sealed record Report<TRow>(MachineInfo Machine, IReadOnlyList<TRow> Rows);
