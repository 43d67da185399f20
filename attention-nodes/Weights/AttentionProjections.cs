namespace MegaInfer.AttentionNodes.Weights;

/// <summary>What takes a layer's normed rows to queries, keys and values: of one of the kinds of attention.</summary>
public abstract record AttentionProjections;
