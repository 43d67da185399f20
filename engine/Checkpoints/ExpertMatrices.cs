namespace MegaInfer.Engine.Checkpoints;

/// <summary>An expert's matrices where they lie in a checkpoint: gate and up [width, hidden], down [hidden, width], and their biases as fp32 where it has any.</summary>
public sealed record ExpertMatrices(MatrixView Gate, MatrixView Up, MatrixView Down)
{
    /// <summary>[width]</summary>
    public float[]? GateBias { get; init; }

    /// <summary>[width]</summary>
    public float[]? UpBias { get; init; }

    /// <summary>[hidden]</summary>
    public float[]? DownBias { get; init; }

    /// <summary>Gives the pages back.</summary>
    public void Release()
    {
        Gate.Release();
        Up.Release();
        Down.Release();
    }
}
