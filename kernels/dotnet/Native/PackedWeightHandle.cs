namespace MegaInfer.Kernels.Native;

/// <summary>Owns an mk_weight.</summary>
internal sealed class PackedWeightHandle(KernelContextHandle context, nint weight) : ContextChildHandle(context, weight)
{
    protected override void Free(nint address) => MkNative.mk_weight_free(address);
}
