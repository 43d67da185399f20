namespace MegaInfer.Kernels.Native;

/// <summary>mk_struct_id.</summary>
internal enum MkStructId
{
    ContextConfig = 0,
    Matrix = 1,
    ExpertMatrices = 2,
    EmbedArgs = 3,
    RmsNormArgs = 4,
    GemmArgs = 5,
    RopeArgs = 6,
    KvWriteArgs = 7,
    PagedAttentionArgs = 8,
    GateTopKArgs = 9,
    ScatterRowsArgs = 10,
    GroupedFfnArgs = 11,
    CombineArgs = 12,
    LogSumExpArgs = 13,
    LayerNormArgs = 14,
    ClampArgs = 15,
    GemmHeadsArgs = 16,
    ExpertsShape = 17,
}
