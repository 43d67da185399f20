using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels;

/// <summary>Operations of a device that run as one, with the addresses and shapes they were given; what lies at the addresses is read when it runs. Keeps its context alive.</summary>
public sealed class KernelRecording : IDisposable
{
    internal KernelRecording(KernelRecordingHandle handle) => Handle = handle;

    internal KernelRecordingHandle Handle { get; }

    public void Dispose() => Handle.Dispose();
}
