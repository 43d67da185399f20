namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>A tensor as a safetensors file holds it: its dtype there, its shape and its bytes.</summary>
internal sealed record TinyTensor(string Name, string Type, IReadOnlyList<int> Shape, byte[] Data);
