using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MegaInfer.Kernels.Native;

/// <summary>Turns a failed status into an exception with the library's own text.</summary>
internal static unsafe class NativeCall
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(MkStatus status, string call)
    {
        if (status != MkStatus.Ok)
            Throw(status, call);
    }

    [DoesNotReturn]
    private static void Throw(MkStatus status, string call)
    {
        string text = Marshal.PtrToStringUTF8((nint)MkNative.mk_last_error()) ?? "";
        throw new KernelException($"{call}: {(text.Length > 0 ? text : $"status {(int)status}")}") { IsUnsupported = status == MkStatus.Unsupported };
    }
}
