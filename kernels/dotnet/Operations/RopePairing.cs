namespace MegaInfer.Kernels.Operations;

/// <summary>Which components of a head rotate together; mirrors mk_rope_pairing.</summary>
public enum RopePairing
{
    /// <summary>(i, i + rotary_dim/2), as the hub's rotate_half.</summary>
    Halves = 0,

    /// <summary>(2i, 2i + 1).</summary>
    Adjacent = 1,
}
