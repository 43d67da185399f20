using System.Runtime.Intrinsics;
using TorchSharp;

namespace MegaInfer.Rl.Pretraining.Functions;

/// <summary>
/// RMSNorm with its gradient in one pass each. Arguments of <c>apply</c>: rows [rows, hidden], weight [hidden], and an
/// <see cref="RmsNormMemory"/> that belongs to this place in the model.
/// </summary>
internal sealed class RmsNorm : torch.autograd.SingleTensorFunction<RmsNorm>
{
    public override string Name => nameof(RmsNorm);

    public override torch.Tensor forward(torch.autograd.AutogradContext ctx, params object[] vars)
    {
        torch.Tensor rows = (torch.Tensor)vars[0];
        torch.Tensor weight = (torch.Tensor)vars[1];
        RmsNormMemory memory = (RmsNormMemory)vars[2];
        int count = (int)rows.shape[0];
        int width = (int)rows.shape[1];
        memory.Rows = rows;
        memory.Weight = weight;
        memory.Inverse = Workspace.Sized(memory.Inverse, count);
        torch.Tensor result = torch.empty(count, width);
        Span<float> x = rows.Floats();
        Span<float> y = result.Floats();
        Span<Vector512<float>> w = weight.Floats().Vectors();
        for (int r = 0; r < count; r++)
        {
            Span<float> row = x.Slice(r * width, width);
            float inverse = 1 / MathF.Sqrt((VectorMath.Dot(row, row) / width) + ModelShape.NormEpsilon);
            memory.Inverse[r] = inverse;
            Span<Vector512<float>> source = row.Vectors();
            Span<Vector512<float>> target = y.Slice(r * width, width).Vectors();
            for (int i = 0; i < source.Length; i++)
                target[i] = source[i] * inverse * w[i];
        }
        ctx.save_data(nameof(RmsNormMemory), memory);
        return result;
    }

    public override List<torch.Tensor> backward(torch.autograd.AutogradContext ctx, torch.Tensor grad_output)
    {
        RmsNormMemory memory = (RmsNormMemory)ctx.get_data(nameof(RmsNormMemory));
        torch.Tensor upstream = grad_output.contiguous();
        int count = (int)upstream.shape[0];
        int width = (int)upstream.shape[1];
        torch.Tensor rowsGradient = torch.empty(count, width);
        torch.Tensor weightGradient = torch.zeros(width);
        Span<float> x = memory.Rows!.Floats();
        Span<float> dy = upstream.Floats();
        Span<float> dx = rowsGradient.Floats();
        Span<Vector512<float>> w = memory.Weight!.Floats().Vectors();
        Span<Vector512<float>> dw = weightGradient.Floats().Vectors();
        for (int r = 0; r < count; r++)
        {
            Span<Vector512<float>> source = x.Slice(r * width, width).Vectors();
            Span<Vector512<float>> up = dy.Slice(r * width, width).Vectors();
            Span<Vector512<float>> down = dx.Slice(r * width, width).Vectors();
            float inverse = memory.Inverse[r];
            Vector512<float> sum = Vector512<float>.Zero;
            for (int i = 0; i < source.Length; i++)
            {
                sum += up[i] * w[i] * source[i];
                dw[i] += up[i] * source[i] * inverse;
            }
            float along = Vector512.Sum(sum) * inverse * inverse / width;
            for (int i = 0; i < source.Length; i++)
                down[i] = ((up[i] * w[i]) - (source[i] * along)) * inverse;
        }
        return [rowsGradient, weightGradient, null!];
    }
}

/// <summary>What one norm keeps from forward to backward.</summary>
internal sealed class RmsNormMemory
{
    public torch.Tensor? Rows { get; set; }

    public torch.Tensor? Weight { get; set; }

    public float[] Inverse { get; set; } = [];
}
