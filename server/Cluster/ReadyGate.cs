using MegaInfer.Engine.Cluster;
using MegaInfer.Server.Routing;

namespace MegaInfer.Server.Cluster;

/// <summary>Tells whether the cluster can answer, and waits for the first time that all expected nodes are there.</summary>
internal sealed class ReadyGate
{
    private readonly ClusterState _state;
    private readonly RequestRouter _router;
    private readonly TaskCompletionSource _complete = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ReadyGate(ClusterState state, RequestRouter router)
    {
        _state = state;
        _router = router;
        state.Changed += _ => Check();
        router.LinksChanged += Check;
    }

    /// <summary>Completes once every expected node of both pools is ready and takes work.</summary>
    public Task AllReady => _complete.Task;

    /// <summary>At least one attention node takes work and every expert is held by a ready node.</summary>
    public bool CanAnswer => _router.LinkCount > 0 && _state.Current.Placement().IsComplete;

    private void Check()
    {
        Membership membership = _state.Current;
        if (_router.LinkCount >= _state.Spec.AttentionNodes
            && membership.ReadyExperts.Count() >= _state.Spec.ExpertNodes
            && membership.OfRole(NodeRole.Attention).Count(node => node.IsReady) >= _state.Spec.AttentionNodes
            && membership.Placement().IsComplete)
            _complete.TrySetResult();
    }
}
