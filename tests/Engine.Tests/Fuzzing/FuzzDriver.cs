using System.Diagnostics;
using System.Text;
using Xunit;

namespace MegaInfer.Engine.Tests.Fuzzing;

/// <summary>
/// Feeds a reader with damaged inputs, one seed each. Whatever they hold, the reader returns or throws its own exception, in bounded time and allocation. A
/// reader that does not come back is found by the thread that waits for it; one that overflows the stack takes the test run with it.
/// </summary>
/// <typeparam name="TError">The one exception a reader may throw.</typeparam>
internal sealed class FuzzDriver<TError>(FuzzBounds bounds)
    where TError : MegaInferException
{
    private const int Retries = 4;
    private const int LongestSentence = 1_001;

    private int _seed;
    private long _startedAt;
    private byte[] _input = [];
    private int _accepted;
    private TimeSpan _slowest;
    private double _hungriest;

    /// <summary>Runs seeds 0 to <paramref name="count"/> - 1 and reports what it found to the test's output.</summary>
    /// <param name="count">How many inputs.</param>
    /// <param name="make">The input of a seed.</param>
    /// <param name="read">What is tested.</param>
    public void Run(int count, Func<int, byte[]> make, Action<byte[]> read)
    {
        Exception? failure = null;
        // A stack like that of the threads that read models.
        Thread worker = new(() => failure = Record.Exception(() => RunAll(count, make, read))) { IsBackground = true };
        Volatile.Write(ref _startedAt, Stopwatch.GetTimestamp());
        worker.Start();
        while (!worker.Join(TimeSpan.FromMilliseconds(100)))
            Assert.True(Stopwatch.GetElapsedTime(Volatile.Read(ref _startedAt)) < bounds.Hang, $"seed {_seed} hangs: {Show(_input)}");
        if (failure is not null)
            Assert.Fail(failure.ToString());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{count} inputs, {_accepted} accepted; the slowest took {_slowest.TotalMilliseconds:F0} ms, the hungriest {_hungriest:P0} of its bound");
    }

    private void RunAll(int count, Func<int, byte[]> make, Action<byte[]> read)
    {
        for (_seed = 0; _seed < count; _seed++)
        {
            _input = make(_seed);
            (TimeSpan time, long bytes) = (TimeSpan.MaxValue, long.MaxValue);
            for (int i = 0; i < Retries && (time > bounds.Time || bytes > bounds.Allocation(_input.Length)); i++)
            {
                (TimeSpan again, long more) = Measure(read);
                (time, bytes) = (again < time ? again : time, Math.Min(bytes, more));
            }

            _slowest = time > _slowest ? time : _slowest;
            _hungriest = Math.Max(_hungriest, (double)bytes / bounds.Allocation(_input.Length));
            Assert.True(time <= bounds.Time, $"seed {_seed} takes {time.TotalMilliseconds:F0} ms: {Show(_input)}");
            Assert.True(bytes <= bounds.Allocation(_input.Length), $"seed {_seed} allocates {bytes} bytes for {_input.Length}: {Show(_input)}");
        }
    }

    private (TimeSpan Time, long Bytes) Measure(Action<byte[]> read)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long started = Stopwatch.GetTimestamp();
        Volatile.Write(ref _startedAt, started);
        try
        {
            read(_input);
            _accepted++;
        }
        catch (TError error)
        {
            Assert.True(error.Message.Length is > 0 and < LongestSentence, $"seed {_seed} gives a sentence of {error.Message.Length} characters: {Show(_input)}");
        }
        catch (Exception error)
        {
            throw new InvalidOperationException($"seed {_seed} throws {error.GetType()}: {Show(_input)}", error);
        }

        return (Stopwatch.GetElapsedTime(started), GC.GetAllocatedBytesForCurrentThread() - allocated);
    }

    private static string Show(byte[] input) => $"{input.Length} bytes {Encoding.Latin1.GetString(input.AsSpan(0, Math.Min(input.Length, 4_000)))}";
}
