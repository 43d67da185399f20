namespace MegaInfer.Kernels.Native;

/// <summary>Owns memory of mk_allocate.</summary>
internal sealed class DeviceBufferHandle(KernelContextHandle context, nint address) : ContextChildHandle(context, address)
{
    // The context is still alive: this handle holds a reference to it until after Free.
    protected override void Free(nint address) => MkNative.mk_free(Context, address);
}
