using System.Runtime.Intrinsics;
using TorchSharp;

namespace MegaInfer.Rl.Pretraining.Functions;

/// <summary>What one layer's attention keeps from forward to backward. Owned by one replica thread; arrays grow to the largest batch.</summary>
internal sealed class AttentionMemory(ModelShape shape)
{
    private const int Head = ModelShape.HeadSize;

    public ModelShape Shape { get; } = shape;

    public torch.Tensor? Joined { get; set; }

    public torch.Tensor? QueryNorm { get; set; }

    public torch.Tensor? KeyNorm { get; set; }

    /// <summary>First row of each conversation, and the number of rows at the end.</summary>
    public int[] Starts { get; set; } = [0];

    /// <summary>Normed and rotated queries and keys: [rows, q heads + k heads, 32].</summary>
    public float[] Rotated { get; private set; } = [];

    /// <summary>1 / root mean square of each query and key head: [rows, q heads + k heads].</summary>
    public float[] Inverse { get; private set; } = [];

    /// <summary>Attention probabilities, one padded row after the other: conversation, head, row.</summary>
    public float[] Probabilities { get; private set; } = [];

    /// <summary>Scratch of one row.</summary>
    public float[] Slopes { get; private set; } = [];

    /// <summary>Heads that are normed and rotated.</summary>
    public int RotatedHeads => Shape.QueryHeads + Shape.KeyValueHeads;

    /// <summary>A row's probabilities take a multiple of 16 elements.</summary>
    public static int Padded(int count) => (count + 15) & ~15;

    public void Prepare(int rows)
    {
        int probabilities = 0;
        int longest = 0;
        for (int c = 0; c + 1 < Starts.Length; c++)
        {
            int length = Starts[c + 1] - Starts[c];
            longest = Math.Max(longest, length);
            for (int i = 0; i < length; i++)
                probabilities += Padded(i + 1);
        }
        Rotated = Workspace.Sized(Rotated, rows * RotatedHeads * Head);
        Inverse = Workspace.Sized(Inverse, rows * RotatedHeads);
        Probabilities = Workspace.Sized(Probabilities, probabilities * Shape.QueryHeads);
        Slopes = Workspace.Sized(Slopes, longest);
    }

    public Span<Vector512<float>> Query(int row, int head) => Rotated.AsSpan(((row * RotatedHeads) + head) * Head, Head).Vectors();

    public Span<Vector512<float>> Key(int row, int keyHead) => Query(row, Shape.QueryHeads + keyHead);

    /// <summary>A query head's part of a joined row.</summary>
    public Span<Vector512<float>> QueryPart(Span<float> joined, int row, int head) =>
        joined.Slice((row * Shape.JoinedSize) + (head * Head), Head).Vectors();

    /// <summary>A key head's part of a joined row.</summary>
    public Span<Vector512<float>> KeyPart(Span<float> joined, int row, int keyHead) => QueryPart(joined, row, Shape.QueryHeads + keyHead);

    /// <summary>A value head's part of a joined row.</summary>
    public Span<Vector512<float>> Value(Span<float> joined, int row, int keyHead) => QueryPart(joined, row, RotatedHeads + keyHead);
}
