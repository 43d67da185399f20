namespace MegaInfer.Engine.Model;

/// <summary>A gated expert: down(activation(gate(x), up(x))).</summary>
/// <param name="Width">Rows of gate and up.</param>
public sealed record ExpertSpec(int Width)
{
    public Activation Activation { get; init; }

    /// <summary>Clamped SwiGLU's factor inside the sigmoid.</summary>
    public float Alpha { get; init; } = 1f;

    /// <summary>Clamped SwiGLU's bound of gate and up.</summary>
    public float Limit { get; init; }

    /// <summary>Gate, up and down have a bias.</summary>
    public bool HasBias { get; init; }
}

/// <summary>How gate and up meet. The values are those of mk_activation.</summary>
public enum Activation
{
    /// <summary>silu(gate) * up</summary>
    Swiglu = 0,

    /// <summary>With gate at most Limit and up within +-Limit: gate * sigmoid(Alpha * gate) * (up + 1), gpt-oss.</summary>
    ClampedSwiglu = 1,
}

/// <summary>An expert that every row visits, added last. Its activation is SwiGLU.</summary>
/// <param name="Width">Rows of gate and up; several shared experts are one of their widths together.</param>
/// <param name="HasGate">Its row is weighted by sigmoid(row x gate vector), Qwen2-MoE; otherwise by 1.</param>
public sealed record SharedExpertSpec(int Width, bool HasGate);
