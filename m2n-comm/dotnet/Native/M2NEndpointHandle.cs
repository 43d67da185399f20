using System.Runtime.InteropServices;

namespace MegaInfer.M2N.Native;

/// <summary>Owns a native endpoint; closes it when the last call that uses it has returned.</summary>
internal sealed class M2NEndpointHandle : SafeHandle
{
    public M2NEndpointHandle(nint endpoint)
        : base(0, ownsHandle: true) => SetHandle(endpoint);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        M2NNative.m2n_endpoint_close(handle);
        return true;
    }
}
