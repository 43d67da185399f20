using MegaInfer.Bench.Models;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Cluster;

namespace MegaInfer.Bench.PingPong;

/// <summary>
/// Makes a random model whose attention and experts take about the same time, by measuring both and scaling the width of the experts.
/// </summary>
internal static class BalancedModel
{
    private const int Tries = 4;
    private const double Tolerance = 0.05;
    private const int WidthStep = 16;

    /// <param name="start">The shape to begin with; only the expert width changes.</param>
    /// <param name="measure">Stage times of a model folder.</param>
    /// <param name="log">Told each try.</param>
    internal static async Task<TemporaryModel> MakeAsync(RandomModelOptions start, Func<string, Task<StageTimes>> measure, TextWriter log)
    {
        RandomModelOptions shape = start;
        for (int attempt = 1; ; attempt++)
        {
            var model = new TemporaryModel($"pingpong-w{shape.ExpertWidth}", shape);
            StageTimes times = await measure(model.Folder);
            await log.WriteLineAsync($"expert width {shape.ExpertWidth}: Ta {times.AttentionUs:0} us, Te {times.ExpertUs:0} us");
            int width = NextWidth(shape.ExpertWidth, times);
            if (attempt == Tries || width == shape.ExpertWidth || Math.Abs((times.ExpertUs / times.AttentionUs) - 1) < Tolerance)
                return model;
            model.Dispose();
            shape = shape with { ExpertWidth = width };
        }
    }

    /// <summary>The width at which experts that cost in proportion to their width would take as long as attention.</summary>
    internal static int NextWidth(int width, StageTimes times)
    {
        double wanted = width * times.AttentionUs / times.ExpertUs;
        return Math.Max(WidthStep, (int)Math.Round(wanted / WidthStep) * WidthStep);
    }
}
