namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>
/// Where a sequence stands:
/// <code>
/// Waiting -> Running    admitted: blocks for all its known tokens are taken
/// Running -> Waiting    preempted: blocks are given back, tokens are kept and computed again
/// Waiting -> Finished   cancelled, expired, or refused
/// Running -> Finished   stop token, length, cancelled, expired, or failed
/// </code>
/// </summary>
public enum SequenceStatus
{
    Waiting,
    Running,
    Finished,
}
