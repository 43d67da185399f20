using MegaInfer.Engine;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>One expert node of a <see cref="ClusterSnapshot"/>.</summary>
/// <param name="Node">Its identity; a restarted node takes its predecessor's rank under a new one.</param>
/// <param name="Rank">Its place in the M2N group.</param>
/// <param name="Address">Where its endpoint is reached.</param>
/// <param name="Experts">The experts it holds, in every layer.</param>
public sealed record ExpertMember(NodeId Node, Rank Rank, ReadOnlyMemory<byte> Address, IReadOnlyList<ExpertId> Experts);
