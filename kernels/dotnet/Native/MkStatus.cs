namespace MegaInfer.Kernels.Native;

/// <summary>mk_status.</summary>
internal enum MkStatus
{
    Ok = 0,
    Invalid = -1,
    Unsupported = -2,
    NoMemory = -3,
    Internal = -4,
}
