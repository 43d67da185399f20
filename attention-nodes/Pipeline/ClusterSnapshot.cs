using MegaInfer.Engine.Moe;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>The expert pool at one epoch, as the control plane tells it. Immutable.</summary>
/// <param name="Epoch">Grows with every change of membership.</param>
/// <param name="Experts">Every expert node that is ready.</param>
public sealed record ClusterSnapshot(long Epoch, IReadOnlyList<ExpertMember> Experts)
{
    /// <summary>The placement over those of its members that <paramref name="isUsable"/> accepts.</summary>
    public ExpertPlacement PlacementOver(int expertCount, Func<ExpertMember, bool> isUsable) =>
        ExpertPlacement.FromHoldings(Epoch, expertCount, Experts.Where(isUsable).Select(member => KeyValuePair.Create(member.Rank, member.Experts)));
}
