namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>A variant of a family: its config.json and how its tensors are made from a seed.</summary>
internal sealed record TinyModel(string Name, string Config, Func<int, IReadOnlyList<TinyTensor>> Tensors)
{
    public int ShardCount { get; init; } = 1;
}
