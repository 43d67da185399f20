namespace MegaInfer.Engine.Cluster;

/// <summary>Which part of a model a process computes, and so which tensors it loads.</summary>
public enum NodeRole
{
    /// <summary>Embedding, norms, attention, routers and LM head.</summary>
    Attention = 1,

    /// <summary>Routed experts.</summary>
    Expert = 2,
}
