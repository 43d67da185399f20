using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels;

/// <summary>
/// A device with its threads and scratch memory: what every operation in <see cref="Operations"/> runs on. One thread at a time may use a context (a
/// node's loop thread); different contexts are independent. Buffers and packed weights may outlive <see cref="Dispose"/>: the native context is freed
/// after the last of them.
/// </summary>
public sealed unsafe class KernelContext : IDisposable
{
    private KernelContext(KernelContextHandle handle)
    {
        Handle = handle;
        Backend = Marshal.PtrToStringUTF8((nint)MkNative.mk_context_backend(handle))!;
        Numerics = Marshal.PtrToStringUTF8((nint)MkNative.mk_context_numerics(handle))!;
        ThreadCount = MkNative.mk_context_threads(handle);
    }

    /// <summary>"reference", "avx2", "avx512", "avx512vnni", "avx512bf16" or "cuda".</summary>
    public string Backend { get; }

    /// <summary>Its memory is not the host's: only <see cref="AllocateShared"/>'s is both.</summary>
    public bool IsDevice => Backend == "cuda";

    /// <summary>Two contexts with the same text give the same bits: "cpu-fma-2" for every CPU backend; a GPU's has its name and driver.</summary>
    public string Numerics { get; }

    /// <summary>How much faster its instructions multiply with bf16 weights than with fp32 ones, from registers.</summary>
    public double BFloat16Gain => MkNative.mk_context_bf16_gain(Handle);

    /// <summary>Threads that compute, the calling one included.</summary>
    public int ThreadCount { get; }

    internal KernelContextHandle Handle { get; }

    /// <summary>Throws <see cref="KernelException"/> if the library is missing or stale, the machine lacks the backend, or a core does not exist.</summary>
    public static KernelContext Create(KernelContextOptions options)
    {
        MkLibrary.EnsureUsable();
        MkContextConfig config = new()
        {
            StructBytes = (uint)sizeof(MkContextConfig),
            Backend = (int)options.Backend,
            DeviceIndex = options.DeviceIndex,
            ThreadCount = options.ThreadCount,
            SpinUs = (uint)Math.Clamp(options.IdleSpin.TotalMicroseconds, 0, uint.MaxValue),
        };
        foreach (int core in options.Cores)
        {
            if (core is < 0 or >= 64 * MkContextConfig.MaskWords)
                throw new KernelException($"Core {core} is outside 0..{64 * MkContextConfig.MaskWords - 1}, the cores a context can name.");
            config.CoreMask[core / 64] |= 1UL << (core % 64);
        }
        nint context;
        NativeCall.Check(MkNative.mk_context_create(&config, &context), nameof(MkNative.mk_context_create));
        return new KernelContext(new KernelContextHandle(context));
    }

    /// <summary>
    /// Confines the calling thread to the context's cores, if <see cref="KernelContextOptions.Cores"/> named any. Call it on the thread that will use the
    /// context: that thread computes too.
    /// </summary>
    public void PinCallingThread() =>
        NativeCall.Check(MkNative.mk_context_pin_caller(Handle), nameof(MkNative.mk_context_pin_caller));

    /// <summary>Zeroed memory, 64-byte aligned.</summary>
    public DeviceBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        nint address;
        NativeCall.Check(MkNative.mk_allocate(Handle, (ulong)bytes, &address), nameof(MkNative.mk_allocate));
        return new DeviceBuffer(new DeviceBufferHandle(Handle, address), bytes);
    }

    /// <summary>Host memory that the device reads and writes too, zeroed: for what the host fills or looks at in every step.</summary>
    public DeviceBuffer AllocateShared(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        nint address;
        NativeCall.Check(MkNative.mk_allocate_host(Handle, (ulong)bytes, &address), nameof(MkNative.mk_allocate_host));
        return new DeviceBuffer(new SharedBufferHandle(Handle, address), bytes);
    }

    /// <summary>Zeroed device memory that other processes of this host can map: see <see cref="OpenExportable"/>. It lives until the last of them has disposed its buffer.</summary>
    public DeviceBuffer AllocateExportable(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        nint address;
        NativeCall.Check(MkNative.mk_exportable_allocate(Handle, (ulong)bytes, &address), nameof(MkNative.mk_exportable_allocate));
        return new DeviceBuffer(new ExportableBufferHandle(Handle, address), bytes);
    }

    /// <summary>A descriptor of memory of <see cref="AllocateExportable"/>, for another process; the caller's to close.</summary>
    public int OpenExportable(DeviceAddress address)
    {
        int file;
        NativeCall.Check(MkNative.mk_exportable_open(Handle, address.Value, &file), nameof(MkNative.mk_exportable_open));
        return file;
    }

    /// <summary>What another process allocated with so many bytes. The descriptor stays the caller's.</summary>
    /// <exception cref="KernelException">The descriptor is of anything else, or this device does not reach that memory.</exception>
    public DeviceBuffer MapExportable(int file, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        nint address;
        NativeCall.Check(MkNative.mk_exportable_map(Handle, file, (ulong)bytes, &address), nameof(MkNative.mk_exportable_map));
        return new DeviceBuffer(new ExportableBufferHandle(Handle, address), bytes);
    }

    /// <summary>Copies host values to device memory; they are there when it returns.</summary>
    public void Upload(DeviceAddress destination, ReadOnlySpan<float> values)
    {
        fixed (float* first = values)
            Copy(destination, new DeviceAddress((nint)first), (long)values.Length * sizeof(float));
        Wait();
    }

    /// <summary>Between host and device memory, either way; the ranges do not overlap.</summary>
    public void Copy(DeviceAddress destination, DeviceAddress source, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        NativeCall.Check(MkNative.mk_copy(Handle, 0, destination.Value, source.Value, (ulong)bytes), nameof(MkNative.mk_copy));
    }

    /// <summary>Returns when every operation given so far has finished, so that the host may read results. Immediate on a CPU context.</summary>
    public void Wait() => NativeCall.Check(MkNative.mk_stream_wait(Handle, 0), nameof(MkNative.mk_stream_wait));

    /// <summary>
    /// On a device: what <paramref name="operations"/> gives the context is recorded instead of run. Operations only, no waiting; each must have run once before with its shape.
    /// </summary>
    /// <exception cref="KernelException">The context is a CPU's, or an operation cannot be recorded; the operation's own exceptions pass too.</exception>
    public KernelRecording Record(Action operations)
    {
        nint graph;
        NativeCall.Check(MkNative.mk_record_begin(Handle, 0), nameof(MkNative.mk_record_begin));
        try
        {
            operations();
        }
        catch
        {
            if (MkNative.mk_record_end(Handle, 0, &graph) == MkStatus.Ok)
                MkNative.mk_graph_free(graph);
            throw;
        }

        NativeCall.Check(MkNative.mk_record_end(Handle, 0, &graph), nameof(MkNative.mk_record_end));
        return new KernelRecording(new KernelRecordingHandle(Handle, graph));
    }

    /// <summary>Gives the context all of a recording's operations at once.</summary>
    public void Run(KernelRecording recording) =>
        NativeCall.Check(MkNative.mk_graph_run(Handle, 0, recording.Handle), nameof(MkNative.mk_graph_run));

    /// <summary>
    /// Stacks matrices of <paramref name="columns"/> in_features each by rows (q, k and v, say) and packs them for <c>Gemm</c>. The sources are not
    /// needed afterwards. Narrowing to BF16 rounds to nearest even; quantised types are packed from themselves only.
    /// </summary>
    /// <exception cref="KernelException">Among others, <see cref="KernelException.IsUnsupported"/>: the blocks of scales do not fit the packed type.</exception>
    public PackedWeight PackWeight(ReadOnlySpan<MatrixSource> matrices, int columns, WeightType type)
    {
        nint weight;
        int rows = 0;
        foreach (MatrixSource matrix in matrices) rows = checked(rows + matrix.Rows);
        fixed (MatrixSource* first = matrices)
        {
            MkStatus status = MkNative.mk_weight_pack(Handle, first, matrices.Length, columns, (int)type, &weight);
            NativeCall.Check(status, nameof(MkNative.mk_weight_pack));
        }
        return new PackedWeight(new PackedWeightHandle(Handle, weight), rows, columns, type);
    }

    /// <summary>Packs the caller's own row-major matrix [rows, columns]; as the other.</summary>
    public PackedWeight PackWeight(ReadOnlySpan<float> values, int columns, WeightType type)
    {
        fixed (float* first = values)
            return PackWeight([new MatrixSource(new DeviceAddress((nint)first), WeightType.F32, values.Length / columns)], columns, type);
    }

    /// <summary>Packs a matrix of <paramref name="columns"/> in_features for each head, all with the same rows, for <c>GemmHeads</c>; as a weight.</summary>
    public PackedHeads PackHeads(ReadOnlySpan<MatrixSource> heads, int columns, WeightType type) =>
        new(PackedHeadsHandle.Pack(Handle, heads, columns, type), heads.IsEmpty ? 0 : heads[0].Rows, columns, type);

    /// <summary>Packs one layer's experts for <c>GroupedFfn</c>; as a weight. No experts at all is legal.</summary>
    public PackedExperts PackExperts(ReadOnlySpan<ExpertSource> experts, ExpertsShape shape)
    {
        nint packed;
        shape.Count = experts.Length;
        fixed (ExpertSource* first = experts)
            NativeCall.Check(MkNative.mk_experts_pack(Handle, &shape, first, &packed), nameof(MkNative.mk_experts_pack));
        return new PackedExperts(new PackedExpertsHandle(Handle, packed), shape);
    }

    public void Dispose() => Handle.Dispose();
}
