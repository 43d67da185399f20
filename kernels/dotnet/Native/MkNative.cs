using System.Runtime.InteropServices;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.Kernels.Native;

/// <summary>
/// The declarations of kernels/include/mk/mk.h, one for one. No call suppresses the GC transition: even the shortest operation may compute for
/// longer than a collection should have to wait.
/// </summary>
internal static unsafe partial class MkNative
{
    public const string Library = "megakernels";
    public const uint AbiVersion = 6;

    [LibraryImport(Library)]
    public static partial uint mk_abi_version();

    [LibraryImport(Library)]
    public static partial byte* mk_last_error();

    [LibraryImport(Library)]
    public static partial uint mk_struct_layout(MkStructId structId, uint* offsets, uint capacity, uint* fields);

    [LibraryImport(Library)]
    public static partial MkStatus mk_context_create(MkContextConfig* config, nint* context);

    [LibraryImport(Library)]
    public static partial void mk_context_destroy(nint context);

    [LibraryImport(Library)]
    public static partial byte* mk_context_backend(KernelContextHandle context);

    [LibraryImport(Library)]
    public static partial byte* mk_context_numerics(KernelContextHandle context);

    [LibraryImport(Library)]
    public static partial double mk_context_bf16_gain(KernelContextHandle context);

    [LibraryImport(Library)]
    public static partial int mk_context_threads(KernelContextHandle context);

    [LibraryImport(Library)]
    public static partial MkStatus mk_context_pin_caller(KernelContextHandle context);

    [LibraryImport(Library)]
    public static partial MkStatus mk_stream_wait(KernelContextHandle context, nint stream);

    [LibraryImport(Library)]
    public static partial MkStatus mk_record_begin(KernelContextHandle context, nint stream);

    [LibraryImport(Library)]
    public static partial MkStatus mk_record_end(KernelContextHandle context, nint stream, nint* graph);

    [LibraryImport(Library)]
    public static partial MkStatus mk_graph_run(KernelContextHandle context, nint stream, KernelRecordingHandle graph);

    [LibraryImport(Library)]
    public static partial void mk_graph_free(nint graph);

    [LibraryImport(Library)]
    public static partial MkStatus mk_exportable_allocate(KernelContextHandle context, ulong bytes, nint* address);

    [LibraryImport(Library)]
    public static partial MkStatus mk_exportable_open(KernelContextHandle context, nint address, int* file);

    [LibraryImport(Library)]
    public static partial MkStatus mk_exportable_map(KernelContextHandle context, int file, ulong bytes, nint* address);

    [LibraryImport(Library)]
    public static partial void mk_exportable_free(KernelContextHandle context, nint address);

    [LibraryImport(Library)]
    public static partial MkStatus mk_allocate(KernelContextHandle context, ulong bytes, nint* address);

    [LibraryImport(Library)]
    public static partial void mk_free(KernelContextHandle context, nint address);

    [LibraryImport(Library)]
    public static partial MkStatus mk_allocate_host(KernelContextHandle context, ulong bytes, nint* address);

    [LibraryImport(Library)]
    public static partial void mk_free_host(KernelContextHandle context, nint address);

    [LibraryImport(Library)]
    public static partial MkStatus mk_copy(KernelContextHandle context, nint stream, nint destination, nint source, ulong bytes);

    [LibraryImport(Library)]
    public static partial MkStatus mk_weight_pack(
        KernelContextHandle context, MatrixSource* matrices, int count, int columns, int dtype, nint* weight);

    [LibraryImport(Library)]
    public static partial void mk_weight_free(nint weight);

    [LibraryImport(Library)]
    public static partial ulong mk_weight_bytes(nint weight);

    [LibraryImport(Library)]
    public static partial MkStatus mk_experts_pack(
        KernelContextHandle context, ExpertsShape* shape, ExpertSource* experts, nint* packed);

    [LibraryImport(Library)]
    public static partial void mk_experts_free(nint experts);

    [LibraryImport(Library)]
    public static partial ulong mk_experts_bytes(PackedExpertsHandle experts);

    [LibraryImport(Library)]
    public static partial byte* mk_weight_data(PackedWeightHandle weight);

    [LibraryImport(Library)]
    public static partial byte* mk_experts_data(PackedExpertsHandle experts);

    [LibraryImport(Library)]
    public static partial ulong mk_weight_checksum(PackedWeightHandle weight);

    [LibraryImport(Library)]
    public static partial ulong mk_experts_checksum(PackedExpertsHandle experts);

    [LibraryImport(Library)]
    public static partial MkStatus mk_weight_restore(
        KernelContextHandle context, int rows, int columns, int dtype, int file, ulong bytes, nint* weight);

    [LibraryImport(Library)]
    public static partial MkStatus mk_experts_restore(
        KernelContextHandle context, ExpertsShape* shape, int hasGateBias, int hasDownBias, int file, ulong bytes, nint* packed);

    [LibraryImport(Library)]
    public static partial int mk_weight_settle(PackedWeightHandle weight);

    [LibraryImport(Library)]
    public static partial int mk_experts_settle(PackedExpertsHandle experts);

    [LibraryImport(Library)]
    public static partial ulong mk_kv_block_bytes(int kvHeads, int headDim, int isLatent, int kvType);

    [LibraryImport(Library)]
    public static partial MkStatus mk_embed(KernelContextHandle context, nint stream, EmbedArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_rmsnorm(KernelContextHandle context, nint stream, RmsNormArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_layernorm(KernelContextHandle context, nint stream, LayerNormArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_clamp(KernelContextHandle context, nint stream, ClampArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_gemm(KernelContextHandle context, nint stream, GemmArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_gemm_heads(KernelContextHandle context, nint stream, GemmHeadsArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_rope(KernelContextHandle context, nint stream, RopeArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_kv_write(KernelContextHandle context, nint stream, KvWriteArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_paged_attention(KernelContextHandle context, nint stream, PagedAttentionArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_gate_topk(KernelContextHandle context, nint stream, GateTopKArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_scatter_rows(KernelContextHandle context, nint stream, ScatterRowsArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_grouped_ffn(KernelContextHandle context, nint stream, GroupedFfnArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_combine(KernelContextHandle context, nint stream, CombineArgs* args);

    [LibraryImport(Library)]
    public static partial MkStatus mk_log_sum_exp(KernelContextHandle context, nint stream, LogSumExpArgs* args);
}
