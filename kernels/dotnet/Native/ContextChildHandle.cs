using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;

namespace MegaInfer.Kernels.Native;

/// <summary>Something that lives on a context and keeps it alive: device memory and packed weights.</summary>
internal abstract class ContextChildHandle : SafeHandle
{
    protected ContextChildHandle(KernelContextHandle context, nint address)
        : base(0, ownsHandle: true)
    {
        bool added = false;
        context.DangerousAddRef(ref added);
        Context = context;
        SetHandle(address);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>The native address; callers hold a reference while they use it.</summary>
    public DeviceAddress Address => new(handle);

    protected KernelContextHandle Context { get; }

    protected abstract void Free(nint address);

    protected sealed override bool ReleaseHandle()
    {
        Free(handle);
        Context.DangerousRelease();
        return true;
    }
}
