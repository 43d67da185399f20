namespace MegaInfer.Kernels.Operations;

/// <summary>How router logits become scores.</summary>
public enum RouterKind
{
    /// <summary>Softmax over all experts.</summary>
    Softmax = 0,

    /// <summary>Each expert's own sigmoid.</summary>
    Sigmoid = 1,
}
