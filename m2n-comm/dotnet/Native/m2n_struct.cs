namespace MegaInfer.M2N.Native;

internal enum m2n_struct
{
    Config = 0,
    Group = 1,
    SlotView = 2,
    Message = 3,
    Result = 4,
    Piece = 5,
    Batch = 6,
    Gather = 7,
    Counters = 8,
    Capabilities = 9,
}
