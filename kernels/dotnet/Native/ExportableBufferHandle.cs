namespace MegaInfer.Kernels.Native;

/// <summary>Owns memory of mk_exportable_allocate or mk_exportable_map.</summary>
internal sealed class ExportableBufferHandle(KernelContextHandle context, nint address) : ContextChildHandle(context, address)
{
    // As for device memory, the context is still alive.
    protected override void Free(nint address) => MkNative.mk_exportable_free(Context, address);
}
