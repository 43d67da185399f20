namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>What came of trying to let a waiting sequence run.</summary>
internal enum Admission
{
    Admitted,

    /// <summary>Another sequence is computing the beginning they share: it waits for that, and those behind it need not.</summary>
    Deferred,

    /// <summary>Too few KV blocks: it waits, and so do those behind it.</summary>
    NoRoom,
}
