namespace MegaInfer.Kernels.Native;

/// <summary>Owns what mk_record_end made.</summary>
internal sealed class KernelRecordingHandle(KernelContextHandle context, nint graph) : ContextChildHandle(context, graph)
{
    protected override void Free(nint address) => MkNative.mk_graph_free(address);
}
