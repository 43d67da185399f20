using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>How an expert's gate and up meet: mk_activation.</summary>
internal static class Swiglu
{
    public static float Of(ExpertSpec spec, float gate, float up)
    {
        if (spec.Activation == Activation.Swiglu)
            return gate / (1f + ExpMath.Exp(-gate)) * up;
        float limit = spec.Limit;
        float g = gate > limit ? limit : gate;
        float u = up > limit ? limit : up < -limit ? -limit : up;
        return g / (1f + ExpMath.Exp(-(spec.Alpha * g))) * (u + 1f);
    }
}
