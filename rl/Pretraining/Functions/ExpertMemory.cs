using TorchSharp;

namespace MegaInfer.Rl.Pretraining.Functions;

/// <summary>Views of one layer's experts in a replica's flat parameters and gradients.</summary>
/// <param name="GateUp">Per expert [2 x size, hidden].</param>
/// <param name="GateUpTransposed">Per expert [hidden, 2 x size].</param>
/// <param name="Down">Per expert [hidden, size].</param>
/// <param name="DownTransposed">Per expert [size, hidden].</param>
/// <param name="GateUpGradient">Shaped as <paramref name="GateUp"/>.</param>
/// <param name="DownGradient">Shaped as <paramref name="Down"/>.</param>
internal sealed record ExpertWeights(
    torch.Tensor[] GateUp, torch.Tensor[] GateUpTransposed, torch.Tensor[] Down, torch.Tensor[] DownTransposed,
    torch.Tensor[] GateUpGradient, torch.Tensor[] DownGradient);

/// <summary>What one layer's experts keep from forward to backward: the routing and the intermediate rows. Owned by one replica thread.</summary>
internal sealed class ExpertMemory(ModelShape shape, ExpertWeights weights)
{
    private readonly int[] _starts = new int[shape.ExpertCount + 1];

    public ExpertWeights Weights { get; } = weights;

    public int ExpertCount { get; } = shape.ExpertCount;

    public int ExpertSize { get; } = shape.ExpertSize;

    /// <summary>Expert of each slot; row r owns the slots 2 r and 2 r + 1.</summary>
    public int[] Expert { get; private set; } = [];

    /// <summary>Weight of each slot; the two of a row add up to 1.</summary>
    public float[] Weight { get; private set; } = [];

    /// <summary>Place of each slot after sorting by expert.</summary>
    public int[] Place { get; private set; } = [];

    /// <summary>Sum of the two chosen probabilities of each row.</summary>
    public float[] Chosen { get; private set; } = [];

    public torch.Tensor? Gathered { get; set; }

    public torch.Tensor? GateUp { get; set; }

    public torch.Tensor? Activated { get; set; }

    public torch.Tensor? Returned { get; set; }

    /// <summary>Slots of an expert in the last batch.</summary>
    public int SlotsOf(int expert) => _starts[expert + 1] - _starts[expert];

    /// <summary>Chooses the two most probable experts of each row (ties to the lower) and sorts the slots by expert.</summary>
    public void Route(Span<float> probabilities, int rows)
    {
        Expert = Workspace.Sized(Expert, 2 * rows);
        Weight = Workspace.Sized(Weight, 2 * rows);
        Place = Workspace.Sized(Place, 2 * rows);
        Chosen = Workspace.Sized(Chosen, rows);
        Span<int> counts = stackalloc int[ExpertCount];
        counts.Clear();
        for (int r = 0; r < rows; r++)
        {
            (int first, int second) = TopTwo(probabilities.Slice(r * ExpertCount, ExpertCount));
            float p = probabilities[(r * ExpertCount) + first];
            float q = probabilities[(r * ExpertCount) + second];
            Chosen[r] = p + q;
            (Expert[2 * r], Weight[2 * r]) = (first, p / (p + q));
            (Expert[(2 * r) + 1], Weight[(2 * r) + 1]) = (second, q / (p + q));
            counts[first]++;
            counts[second]++;
        }
        for (int e = 0; e < ExpertCount; e++)
            _starts[e + 1] = _starts[e] + counts[e];
        counts.Clear();
        for (int slot = 0; slot < 2 * rows; slot++)
            Place[slot] = _starts[Expert[slot]] + counts[Expert[slot]]++;
    }

    /// <summary>Calls <paramref name="action"/> with expert, first place and number of places of every expert that has any.</summary>
    public void ForEachExpert(Action<int, int, int> action)
    {
        for (int e = 0; e < ExpertCount; e++)
        {
            if (SlotsOf(e) > 0)
                action(e, _starts[e], SlotsOf(e));
        }
    }

    private static (int First, int Second) TopTwo(Span<float> values)
    {
        int first = 0;
        for (int i = 1; i < values.Length; i++)
        {
            if (values[i] > values[first])
                first = i;
        }
        int second = first == 0 ? 1 : 0;
        for (int i = second + 1; i < values.Length; i++)
        {
            if (i != first && values[i] > values[second])
                second = i;
        }
        return (first, second);
    }
}
