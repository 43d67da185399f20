using MegaInfer.M2N;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// The experts as one attention node's pipeline sees them. <see cref="ExpertLink"/> reaches them over M2N; the tests' twin calls the expert kernels in
/// place. Belongs to the node loop, except <see cref="Offer"/>; the calls of a layer allocate, lock and log nothing.
/// </summary>
public interface IExpertLink
{
    /// <summary>Hands over the latest snapshot, to be followed before the next step. Any thread; the highest epoch wins.</summary>
    void Offer(ClusterSnapshot snapshot);

    /// <summary>Between steps: follows membership. True when every expert can be reached.</summary>
    bool Prepare();

    /// <summary>When another <see cref="Prepare"/> may find more experts without a new snapshot; null when it will not.</summary>
    TimeSpan? UntilNextAttempt();

    /// <summary>
    /// Sends the micro-batch's normed rows to the experts that its routing names. Never waits: a failure is told by <see cref="Combine"/>, which must follow.
    /// </summary>
    void Dispatch(MicroBatch microBatch, int layer);

    /// <summary>
    /// Waits for this micro-batch's result rows only and adds their weighted sum, in ascending expert id and the shared expert's last, to its hidden rows.
    /// Anything but <see cref="M2NStatus.Ok"/> leaves the hidden rows as they were, and the step has failed.
    /// </summary>
    M2NStatus Combine(MicroBatch microBatch);

    /// <summary>Gives up what was dispatched and not combined, after another micro-batch of the step failed.</summary>
    void Abandon(MicroBatch microBatch);
}
