namespace MegaInfer.ExpertNodes.Pipeline;

/// <summary>A mean that forgets: each new value counts an eighth. Before the first value it is 0. One owner: the node loop.</summary>
internal struct RunningMean
{
    private const double Weight = 1.0 / 8;
    private bool _hasValue;

    public double Value { get; private set; }

    public void Add(double value)
    {
        Value = _hasValue ? Value + (Weight * (value - Value)) : value;
        _hasValue = true;
    }
}
