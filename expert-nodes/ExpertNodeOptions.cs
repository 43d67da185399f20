using MegaInfer.ExpertNodes.Pipeline;

namespace MegaInfer.ExpertNodes;

/// <summary>What an <see cref="ExpertNode"/> needs to know besides its weights.</summary>
/// <param name="Sizes">Agreed with the senders.</param>
/// <param name="Gather">How long rows wait for rows of other senders.</param>
public sealed record ExpertNodeOptions(ExpertPipelineSizes Sizes, GatherPolicy Gather);
