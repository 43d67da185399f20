using System.Runtime.InteropServices;

namespace MegaInfer.M2N.Native;

/// <summary>Owns a native endpoint; closes it when the last call that uses it has returned.</summary>
internal sealed class M2NEndpointHandle : SafeHandle
{
    private GCHandle _rowMemory;

    public M2NEndpointHandle(nint endpoint, GCHandle rowMemory)
        : base(0, ownsHandle: true)
    {
        _rowMemory = rowMemory;
        SetHandle(endpoint);
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        M2NNative.m2n_endpoint_close(handle);
        if (_rowMemory.IsAllocated)
            _rowMemory.Free();
        return true;
    }
}
