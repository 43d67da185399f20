namespace MegaInfer.Kernels.Native;

/// <summary>Owns memory of mk_allocate_host.</summary>
internal sealed class SharedBufferHandle(KernelContextHandle context, nint address) : ContextChildHandle(context, address)
{
    // As for device memory, the context is still alive.
    protected override void Free(nint address) => MkNative.mk_free_host(Context, address);
}
