namespace MegaInfer.AttentionNodes.Tests;

/// <summary>What a piece of work allocates on this thread.</summary>
internal static class Allocations
{
    private const int MostTries = 50;

    /// <summary>
    /// The growth of a count of bytes over a run during which nothing was collected: a collection counts what was left of the thread's piece of the heap, too, and other tests of this
    /// process bring them about.
    /// </summary>
    /// <param name="work">Runs as often as it takes.</param>
    /// <param name="bytes">The count; null: all that this thread allocates.</param>
    public static long Of(Action work, Func<long>? bytes = null)
    {
        bytes ??= GC.GetAllocatedBytesForCurrentThread;
        for (int i = 0; i < MostTries; i++)
        {
            int collections = GC.CollectionCount(0);
            long before = bytes();
            work();
            long grown = bytes() - before;
            if (GC.CollectionCount(0) == collections)
                return grown;
        }

        throw new InvalidOperationException($"Something was collected in each of {MostTries} runs.");
    }
}
