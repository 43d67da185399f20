namespace MegaInfer.Kernels.Native;

/// <summary>Owns an mk_experts.</summary>
internal sealed class PackedExpertsHandle(KernelContextHandle context, nint experts) : ContextChildHandle(context, experts)
{
    protected override void Free(nint address) => MkNative.mk_experts_free(address);
}
