using System.Runtime.Intrinsics;
using TorchSharp;

namespace MegaInfer.Rl.Pretraining.Functions;

/// <summary>
/// Head norms, rotary positions and causal attention inside each conversation of a batch, with their gradients. Arguments of
/// <c>apply</c>: joined rows [rows, (q + k + v heads) x 32], query norm [32], key norm [32], and an <see cref="AttentionMemory"/>.
/// Result: [rows, q heads x 32].
/// </summary>
internal sealed class CausalAttention : torch.autograd.SingleTensorFunction<CausalAttention>
{
    private const int Head = ModelShape.HeadSize;
    private static readonly float Scale = 1 / MathF.Sqrt(Head);

    public override string Name => nameof(CausalAttention);

    public override torch.Tensor forward(torch.autograd.AutogradContext ctx, params object[] vars)
    {
        torch.Tensor joined = (torch.Tensor)vars[0];
        AttentionMemory memory = (AttentionMemory)vars[3];
        memory.Joined = joined;
        memory.QueryNorm = (torch.Tensor)vars[1];
        memory.KeyNorm = (torch.Tensor)vars[2];
        int rows = (int)joined.shape[0];
        memory.Prepare(rows);
        HeadRotation.Forward(memory, rows);
        torch.Tensor result = torch.empty(rows, memory.Shape.QueryHeads * Head);
        Span<float> output = result.Floats();
        Span<float> input = joined.Floats();
        int offset = 0;
        for (int c = 0; c + 1 < memory.Starts.Length; c++)
        {
            int start = memory.Starts[c];
            int length = memory.Starts[c + 1] - start;
            for (int head = 0; head < memory.Shape.QueryHeads; head++)
            {
                for (int i = 0; i < length; i++)
                {
                    Span<float> probabilities = memory.Probabilities.AsSpan(offset, AttentionMemory.Padded(i + 1));
                    Attend(memory, input, output, start, i, head, probabilities);
                    offset += probabilities.Length;
                }
            }
        }
        ctx.save_data(nameof(AttentionMemory), memory);
        return result;
    }

    public override List<torch.Tensor> backward(torch.autograd.AutogradContext ctx, torch.Tensor grad_output)
    {
        AttentionMemory memory = (AttentionMemory)ctx.get_data(nameof(AttentionMemory));
        torch.Tensor upstream = grad_output.contiguous();
        int rows = (int)upstream.shape[0];
        torch.Tensor joinedGradient = torch.zeros(rows, memory.Shape.JoinedSize);
        Span<float> gradient = joinedGradient.Floats();
        Span<float> dy = upstream.Floats();
        Span<float> input = memory.Joined!.Floats();
        int offset = 0;
        for (int c = 0; c + 1 < memory.Starts.Length; c++)
        {
            int start = memory.Starts[c];
            int length = memory.Starts[c + 1] - start;
            for (int head = 0; head < memory.Shape.QueryHeads; head++)
            {
                for (int i = 0; i < length; i++)
                {
                    Span<float> probabilities = memory.Probabilities.AsSpan(offset, AttentionMemory.Padded(i + 1));
                    AttendBackward(memory, input, dy, gradient, start, i, head, probabilities);
                    offset += probabilities.Length;
                }
            }
        }
        torch.Tensor queryNormGradient = torch.zeros(Head);
        torch.Tensor keyNormGradient = torch.zeros(Head);
        HeadRotation.Backward(memory, rows, gradient, queryNormGradient.Floats(), keyNormGradient.Floats());
        return [joinedGradient, queryNormGradient, keyNormGradient, null!];
    }

    private static void Attend(AttentionMemory memory, Span<float> input, Span<float> output, int start, int i, int head, Span<float> probabilities)
    {
        int keyHead = head / (memory.Shape.QueryHeads / memory.Shape.KeyValueHeads);
        Span<Vector512<float>> query = memory.Query(start + i, head);
        Vector512<float> q0 = query[0] * Scale;
        Vector512<float> q1 = query[1] * Scale;
        float highest = float.NegativeInfinity;
        for (int j = 0; j <= i; j++)
        {
            Span<Vector512<float>> key = memory.Key(start + j, keyHead);
            float score = Vector512.Sum(Vector512.FusedMultiplyAdd(q1, key[1], q0 * key[0]));
            probabilities[j] = score;
            highest = Math.Max(highest, score);
        }
        probabilities[(i + 1)..].Fill(-1e30f); // exp gives 0 there
        Span<Vector512<float>> vectors = probabilities.Vectors();
        Vector512<float> sum = Vector512<float>.Zero;
        for (int v = 0; v < vectors.Length; v++)
        {
            vectors[v] = VectorMath.Exp(vectors[v] - Vector512.Create(highest));
            sum += vectors[v];
        }
        float inverse = 1 / Vector512.Sum(sum);
        for (int v = 0; v < vectors.Length; v++)
            vectors[v] *= inverse;
        Vector512<float> o0 = Vector512<float>.Zero;
        Vector512<float> o1 = Vector512<float>.Zero;
        for (int j = 0; j <= i; j++)
        {
            Span<Vector512<float>> value = memory.Value(input, start + j, keyHead);
            Vector512<float> p = Vector512.Create(probabilities[j]);
            o0 = Vector512.FusedMultiplyAdd(p, value[0], o0);
            o1 = Vector512.FusedMultiplyAdd(p, value[1], o1);
        }
        Span<Vector512<float>> target = output.Slice((((start + i) * memory.Shape.QueryHeads) + head) * Head, Head).Vectors();
        target[0] = o0;
        target[1] = o1;
    }

    private static void AttendBackward(
        AttentionMemory memory, Span<float> input, Span<float> dy, Span<float> gradient, int start, int i, int head, Span<float> probabilities)
    {
        int keyHead = head / (memory.Shape.QueryHeads / memory.Shape.KeyValueHeads);
        Span<Vector512<float>> up = dy.Slice((((start + i) * memory.Shape.QueryHeads) + head) * Head, Head).Vectors();
        Span<Vector512<float>> query = memory.Query(start + i, head);
        Span<float> slopes = memory.Slopes.AsSpan(0, i + 1);
        float mean = 0;
        for (int j = 0; j <= i; j++)
        {
            Span<Vector512<float>> value = memory.Value(input, start + j, keyHead);
            slopes[j] = Vector512.Sum(Vector512.FusedMultiplyAdd(up[1], value[1], up[0] * value[0]));
            mean += probabilities[j] * slopes[j];
        }
        Vector512<float> dq0 = Vector512<float>.Zero;
        Vector512<float> dq1 = Vector512<float>.Zero;
        for (int j = 0; j <= i; j++)
        {
            Span<Vector512<float>> key = memory.Key(start + j, keyHead);
            Span<Vector512<float>> keyGradient = memory.KeyPart(gradient, start + j, keyHead);
            Span<Vector512<float>> valueGradient = memory.Value(gradient, start + j, keyHead);
            Vector512<float> p = Vector512.Create(probabilities[j]);
            Vector512<float> slope = Vector512.Create(probabilities[j] * (slopes[j] - mean) * Scale);
            dq0 = Vector512.FusedMultiplyAdd(slope, key[0], dq0);
            dq1 = Vector512.FusedMultiplyAdd(slope, key[1], dq1);
            keyGradient[0] = Vector512.FusedMultiplyAdd(slope, query[0], keyGradient[0]);
            keyGradient[1] = Vector512.FusedMultiplyAdd(slope, query[1], keyGradient[1]);
            valueGradient[0] = Vector512.FusedMultiplyAdd(p, up[0], valueGradient[0]);
            valueGradient[1] = Vector512.FusedMultiplyAdd(p, up[1], valueGradient[1]);
        }
        Span<Vector512<float>> queryGradient = memory.QueryPart(gradient, start + i, head);
        queryGradient[0] = dq0;
        queryGradient[1] = dq1;
    }
}
