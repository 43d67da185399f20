namespace MegaInfer.Server.Cluster;

/// <summary>What a node says once it has loaded its weights.</summary>
/// <param name="ModelDigest">Of the checkpoint as it read it.</param>
/// <param name="NumericsId">Nodes with the same text compute the same bits.</param>
/// <param name="Backend">Its kernels, for people.</param>
/// <param name="M2NAddress">Expert nodes: where senders connect.</param>
/// <param name="WeightBytes">Packed weights it holds.</param>
/// <param name="KvTokenCapacity">Attention nodes: tokens of KV that fit.</param>
internal sealed record ReadyReport(
    string ModelDigest, string NumericsId, string Backend, ReadOnlyMemory<byte> M2NAddress, long WeightBytes, long KvTokenCapacity);
