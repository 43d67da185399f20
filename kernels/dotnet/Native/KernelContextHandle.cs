using System.Runtime.InteropServices;

namespace MegaInfer.Kernels.Native;

/// <summary>Owns an mk_context. It is destroyed once it and everything made from it are released, in whatever order that happens.</summary>
internal sealed class KernelContextHandle : SafeHandle
{
    public KernelContextHandle(nint context)
        : base(0, ownsHandle: true) => SetHandle(context);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        MkNative.mk_context_destroy(handle);
        return true;
    }
}
