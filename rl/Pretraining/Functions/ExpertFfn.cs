using System.Runtime.Intrinsics;
using TorchSharp;

namespace MegaInfer.Rl.Pretraining.Functions;

/// <summary>
/// Top-2 routing and the SwiGLU experts. Arguments of <c>apply</c>: rows [rows, hidden], router probabilities [rows, experts], and an
/// <see cref="ExpertMemory"/>. Rows are sorted by expert, each expert multiplies its slice, results are weighted and added. The experts'
/// own gradients are added to the flat gradient directly, because a gradient tensor of all experts would be cleared and copied each step.
/// </summary>
internal sealed class ExpertFfn : torch.autograd.SingleTensorFunction<ExpertFfn>
{
    public override string Name => nameof(ExpertFfn);

    public override torch.Tensor forward(torch.autograd.AutogradContext ctx, params object[] vars)
    {
        torch.Tensor rows = (torch.Tensor)vars[0];
        torch.Tensor probabilities = (torch.Tensor)vars[1];
        ExpertMemory memory = (ExpertMemory)vars[2];
        int count = (int)rows.shape[0];
        int width = (int)rows.shape[1];
        memory.Route(probabilities.Floats(), count);
        memory.Gathered = torch.empty(2 * count, width);
        memory.GateUp = torch.empty(2 * count, 2 * memory.ExpertSize);
        memory.Activated = torch.empty(2 * count, memory.ExpertSize);
        memory.Returned = torch.empty(2 * count, width);
        Span<float> x = rows.Floats();
        Span<float> gathered = memory.Gathered.Floats();
        for (int i = 0; i < 2 * count; i++)
            x.Slice(i / 2 * width, width).CopyTo(gathered[(memory.Place[i] * width)..]);

        memory.ForEachExpert((expert, start, length) =>
            Slice(memory.GateUp, start, length).addmm_(Slice(memory.Gathered, start, length), memory.Weights.GateUpTransposed[expert], 0, 1));
        Activate(memory.GateUp.Floats(), memory.Activated.Floats(), memory.ExpertSize);
        memory.ForEachExpert((expert, start, length) =>
            Slice(memory.Returned, start, length).addmm_(Slice(memory.Activated, start, length), memory.Weights.DownTransposed[expert], 0, 1));

        torch.Tensor result = torch.empty(count, width);
        Span<float> y = result.Floats();
        Span<float> returned = memory.Returned.Floats();
        for (int r = 0; r < count; r++)
        {
            VectorMath.Blend(
                y.Slice(r * width, width),
                memory.Weight[2 * r], returned.Slice(memory.Place[2 * r] * width, width),
                memory.Weight[(2 * r) + 1], returned.Slice(memory.Place[(2 * r) + 1] * width, width));
        }
        ctx.save_data(nameof(ExpertMemory), memory);
        return result;
    }

    public override List<torch.Tensor> backward(torch.autograd.AutogradContext ctx, torch.Tensor grad_output)
    {
        ExpertMemory memory = (ExpertMemory)ctx.get_data(nameof(ExpertMemory));
        torch.Tensor upstream = grad_output.contiguous();
        int count = (int)upstream.shape[0];
        int width = (int)upstream.shape[1];
        torch.Tensor probabilityGradient = torch.zeros(count, memory.ExpertCount);
        torch.Tensor returnedGradient = torch.empty(2 * count, width);
        Weigh(memory, upstream.Floats(), returnedGradient.Floats(), probabilityGradient.Floats(), count, width);

        torch.Tensor innerGradient = torch.empty(2 * count, memory.ExpertSize);
        memory.ForEachExpert((expert, start, length) =>
        {
            torch.Tensor down = Slice(returnedGradient, start, length);
            Slice(innerGradient, start, length).addmm_(down, memory.Weights.Down[expert], 0, 1);
            memory.Weights.DownGradient[expert].addmm_(down.t(), Slice(memory.Activated!, start, length), 1, 1);
        });
        torch.Tensor gateUpGradient = torch.empty(2 * count, 2 * memory.ExpertSize);
        ActivateBackward(memory.GateUp!.Floats(), innerGradient.Floats(), gateUpGradient.Floats(), memory.ExpertSize);
        torch.Tensor gatheredGradient = torch.empty(2 * count, width);
        memory.ForEachExpert((expert, start, length) =>
        {
            torch.Tensor up = Slice(gateUpGradient, start, length);
            Slice(gatheredGradient, start, length).addmm_(up, memory.Weights.GateUp[expert], 0, 1);
            memory.Weights.GateUpGradient[expert].addmm_(up.t(), Slice(memory.Gathered!, start, length), 1, 1);
        });
        torch.Tensor rowsGradient = torch.empty(count, width);
        Span<float> dx = rowsGradient.Floats();
        Span<float> gathered = gatheredGradient.Floats();
        for (int r = 0; r < count; r++)
        {
            VectorMath.Blend(
                dx.Slice(r * width, width), 1, gathered.Slice(memory.Place[2 * r] * width, width),
                1, gathered.Slice(memory.Place[(2 * r) + 1] * width, width));
        }
        return [rowsGradient, probabilityGradient, null!];
    }

    private static torch.Tensor Slice(torch.Tensor tensor, int start, int length) => tensor.narrow(0, start, length);

    // The weights are p / (p + p'), so each probability's gradient is its weight's, less their weighted mean, over p + p'.
    private static void Weigh(ExpertMemory memory, Span<float> dy, Span<float> returnedGradient, Span<float> probabilityGradient, int count, int width)
    {
        Span<float> returned = memory.Returned!.Floats();
        for (int r = 0; r < count; r++)
        {
            Span<float> up = dy.Slice(r * width, width);
            float mean = 0;
            Span<float> slopes = [0, 0];
            for (int k = 0; k < 2; k++)
            {
                int slot = (2 * r) + k;
                int place = memory.Place[slot] * width;
                slopes[k] = VectorMath.Dot(up, returned.Slice(place, width));
                mean += memory.Weight[slot] * slopes[k];
                VectorMath.Scale(returnedGradient.Slice(place, width), memory.Weight[slot], up);
            }
            for (int k = 0; k < 2; k++)
                probabilityGradient[(r * memory.ExpertCount) + memory.Expert[(2 * r) + k]] = (slopes[k] - mean) / memory.Chosen[r];
        }
    }

    // [slots, gate | up] -> [slots, silu(gate) * up]
    private static void Activate(Span<float> gateUp, Span<float> activated, int size)
    {
        for (int slot = 0; slot < activated.Length / size; slot++)
        {
            Span<Vector512<float>> gate = gateUp.Slice(slot * 2 * size, size).Vectors();
            Span<Vector512<float>> up = gateUp.Slice((slot * 2 * size) + size, size).Vectors();
            Span<Vector512<float>> target = activated.Slice(slot * size, size).Vectors();
            for (int i = 0; i < gate.Length; i++)
                target[i] = gate[i] / (Vector512<float>.One + VectorMath.Exp(-gate[i])) * up[i];
        }
    }

    private static void ActivateBackward(Span<float> gateUp, Span<float> innerGradient, Span<float> gateUpGradient, int size)
    {
        for (int slot = 0; slot < innerGradient.Length / size; slot++)
        {
            Span<Vector512<float>> gate = gateUp.Slice(slot * 2 * size, size).Vectors();
            Span<Vector512<float>> up = gateUp.Slice((slot * 2 * size) + size, size).Vectors();
            Span<Vector512<float>> inner = innerGradient.Slice(slot * size, size).Vectors();
            Span<Vector512<float>> gateGradient = gateUpGradient.Slice(slot * 2 * size, size).Vectors();
            Span<Vector512<float>> upGradient = gateUpGradient.Slice((slot * 2 * size) + size, size).Vectors();
            for (int i = 0; i < gate.Length; i++)
            {
                Vector512<float> sigmoid = Vector512<float>.One / (Vector512<float>.One + VectorMath.Exp(-gate[i]));
                Vector512<float> silu = gate[i] * sigmoid;
                upGradient[i] = inner[i] * silu;
                gateGradient[i] = inner[i] * up[i] * (sigmoid + (silu * (Vector512<float>.One - sigmoid)));
            }
        }
    }
}
