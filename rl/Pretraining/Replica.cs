using MegaInfer.Rl.Pretraining.Functions;
using TorchSharp;

namespace MegaInfer.Rl.Pretraining;

/// <summary>
/// One thread's copy of the model: flat parameters and gradients, and the forward and backward pass of its share of a step. Used by one
/// thread at a time.
/// </summary>
internal sealed class Replica
{
    // A Scalar made on the fly can be collected during the native call that reads it.
    private static readonly Scalar One = 1;

    private readonly ModelShape _shape;
    private readonly Dictionary<string, torch.Tensor> _parameters = [];
    private readonly AttentionMemory[] _attention;
    private readonly ExpertMemory[] _experts;
    private readonly RmsNormMemory[] _norms;
    private readonly float _balance;

    /// <summary>A copy that starts from <paramref name="values"/>; <paramref name="balance"/> weighs the load-balancing loss of a layer.</summary>
    public Replica(ParameterLayout layout, float[] values, float balance)
    {
        _shape = layout.Shape;
        _balance = balance;
        Parameters = torch.from_array(values).clone();
        Gradients = torch.zeros(layout.Count);
        foreach (ParameterSlot slot in layout.Slots)
        {
            torch.Tensor view = ViewOf(Parameters, slot).requires_grad_();
            view.grad = ViewOf(Gradients, slot);
            _parameters.Add(slot.Name, view);
        }
        _attention = [.. Enumerable.Range(0, _shape.LayerCount).Select(_ => new AttentionMemory(_shape))];
        _experts = [.. Enumerable.Range(0, _shape.LayerCount).Select(layer => new ExpertMemory(_shape, ExpertsOf(layout, layer)))];
        _norms = [.. Enumerable.Range(0, (2 * _shape.LayerCount) + 1).Select(_ => new RmsNormMemory())];
    }

    /// <summary>All parameters, flat.</summary>
    public torch.Tensor Parameters { get; }

    /// <summary>Gradients of all parameters, flat; each pass adds to them.</summary>
    public torch.Tensor Gradients { get; }

    /// <summary>
    /// Adds the gradients of one batch, its loss divided by <paramref name="taughtTokens"/> (those of all replicas), and returns the
    /// batch's summed cross-entropy.
    /// </summary>
    public float Accumulate(TokenBatch batch, int taughtTokens)
    {
        torch.set_num_threads(1); // a setting of the calling thread
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor hidden = _parameters["embedding"].index_select(0, torch.from_array(batch.Ids));
        torch.Tensor? balance = null;
        for (int layer = 0; layer < _shape.LayerCount; layer++)
        {
            hidden = hidden.add(Attend(layer, hidden, batch), One);
            torch.Tensor normed = Norm(hidden, $"layers.{layer}.expert_norm", (2 * layer) + 1);
            torch.Tensor probabilities = normed.mm(_parameters[$"layers.{layer}.router"].t()).softmax(1);
            hidden = hidden.add(ExpertFfn.apply(normed, probabilities, _experts[layer]), One);
            torch.Tensor share = BalanceLoss(probabilities, _experts[layer], batch.Ids.Length);
            balance = balance is null ? share : balance.add(share, One);
        }
        torch.Tensor taught = Norm(hidden.index_select(0, torch.from_array(batch.TaughtRows)), "final_norm", 2 * _shape.LayerCount);
        torch.Tensor logits = taught.mm(_parameters["embedding"].t());
        torch.Tensor loss = torch.nn.functional.cross_entropy(logits, torch.from_array(batch.Targets), reduction: torch.nn.Reduction.Sum);
        torch.Tensor total = loss.mul(torch.from_array(new float[] { 1f / taughtTokens })).sum().add(balance!, One);
        total.backward();
        return loss.detach().Floats()[0];
    }

    private torch.Tensor Attend(int layer, torch.Tensor hidden, TokenBatch batch)
    {
        torch.Tensor normed = Norm(hidden, $"layers.{layer}.input_norm", 2 * layer);
        torch.Tensor joined = normed.mm(_parameters[$"layers.{layer}.joined"].t());
        _attention[layer].Starts = batch.Starts;
        torch.Tensor heads = CausalAttention.apply(
            joined, _parameters[$"layers.{layer}.query_norm"], _parameters[$"layers.{layer}.key_norm"], _attention[layer]);
        return heads.mm(_parameters[$"layers.{layer}.output"].t());
    }

    private torch.Tensor Norm(torch.Tensor rows, string weight, int place) => RmsNorm.apply(rows, _parameters[weight], _norms[place]);

    // experts x sum over experts of (share of slots) x (mean probability); 1 when balanced.
    private torch.Tensor BalanceLoss(torch.Tensor probabilities, ExpertMemory memory, int rows)
    {
        float[] factors = new float[_shape.ExpertCount];
        for (int e = 0; e < factors.Length; e++)
            factors[e] = _balance * _shape.ExpertCount * memory.SlotsOf(e) / (ModelShape.ExpertsPerToken * (float)rows) / rows;
        return probabilities.sum(dim: 0L).mul(torch.from_array(factors)).sum();
    }

    private static torch.Tensor ViewOf(torch.Tensor flat, ParameterSlot slot) => flat.narrow(0, slot.Offset, slot.Count).view(slot.Shape).detach();

    private ExpertWeights ExpertsOf(ParameterLayout layout, int layer)
    {
        torch.Tensor[] Split(torch.Tensor flat, string part) =>
            [.. Enumerable.Range(0, _shape.ExpertCount).Select(e => ViewOf(flat, layout[$"layers.{layer}.{part}"]).select(0, e))];
        torch.Tensor[] gateUp = Split(Parameters, "gate_up");
        torch.Tensor[] down = Split(Parameters, "down");
        return new ExpertWeights(
            gateUp, [.. gateUp.Select(w => w.t())], down, [.. down.Select(w => w.t())], Split(Gradients, "gate_up"), Split(Gradients, "down"));
    }
}
