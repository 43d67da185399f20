using System.Diagnostics;

namespace MegaInfer.Bench.Serving;

/// <summary>One run of a load against one server.</summary>
/// <param name="Requests">All of them.</param>
/// <param name="Seconds">From the first due to the last end.</param>
/// <param name="ServerCores">Processor time of the server and its nodes over that time.</param>
/// <param name="FrontCores">What the process that serves HTTP has of it: of ours everything but the nodes.</param>
/// <param name="ClientCores">Processor time of this program over that time.</param>
/// <param name="OthersShare">Processor time of everybody else, in cores.</param>
internal sealed record LoadResult(IReadOnlyList<StreamedRequest> Requests, double Seconds, double ServerCores, double FrontCores, double ClientCores, double OthersShare)
{
    private readonly double[] _firstMs =
        [.. Requests.Where(request => request.Chunks.Count > 0).Select(request => Stopwatch.GetElapsedTime(request.Due, request.Chunks[0]).TotalMilliseconds).Order()];

    private readonly double[] _betweenMs =
        [.. Requests.SelectMany(request => request.Chunks.Skip(1).Zip(request.Chunks, (later, earlier) => Stopwatch.GetElapsedTime(earlier, later).TotalMilliseconds)).Order()];

    internal int Sound => Requests.Count(request => request.Failure is null);

    internal double TokensPerSecond => Requests.Sum(request => request.Tokens) / Seconds;

    internal double FirstMs(double share) => Percentile(_firstMs, share);

    internal double BetweenMs(double share) => Percentile(_betweenMs, share);

    /// <summary>The smallest value that at least this share of all values does not exceed; 0 of none.</summary>
    internal static double Percentile(IReadOnlyList<double> sorted, double share) =>
        sorted.Count == 0 ? 0 : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)];
}
