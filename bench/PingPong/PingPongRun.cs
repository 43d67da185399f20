using MegaInfer.Bench.Cluster;
using MegaInfer.Bench.Load;
using MegaInfer.Engine.Cluster;

namespace MegaInfer.Bench.PingPong;

/// <summary>Measures one model on two pools of one core each, with any number of micro-batches.</summary>
internal sealed class PingPongRun(LocalClusterOptions options, int promptLength, int generateLength)
{
    private readonly Dictionary<int, double> _transferUs = [];

    /// <summary>Rows per micro-batch fixed: 1..4 of them in flight.</summary>
    internal Task<IReadOnlyList<PingPongRow>> FixedRowsAsync(int rows) =>
        RunAsync("fixed-rows", microBatches => (microBatches * rows, rows));

    /// <summary>Total batch fixed: cut into 1..4.</summary>
    internal Task<IReadOnlyList<PingPongRow>> FixedTotalAsync(int total) =>
        RunAsync("fixed-total", microBatches => (total, total / microBatches));

    /// <summary>Stage times with one micro-batch in flight.</summary>
    internal async Task<StageTimes> ProbeAsync(int rows) => (await MeasureAsync(rows, 1)).Stages;

    private async Task<IReadOnlyList<PingPongRow>> RunAsync(string mode, Func<int, (int Batch, int Rows)> split)
    {
        var rows = new List<PingPongRow>();
        for (int microBatches = 1; microBatches <= PipelineShape.MaximumMicroBatches; microBatches++)
        {
            (int batch, int rowsEach) = split(microBatches);
            DecodeMeasurement measured = await MeasureAsync(batch, microBatches);
            double transferUs = await TransferUsAsync(rowsEach);
            rows.Add(Row(mode, microBatches, rowsEach, measured, transferUs, rows.Count > 0 ? rows[0].TokensPerS : measured.TokensPerSecond));
        }

        return rows;
    }

    private async Task<DecodeMeasurement> MeasureAsync(int batch, int microBatches)
    {
        await using LocalCluster cluster = LocalCluster.Start(options with
        {
            MicroBatches = microBatches,
            MaxSequences = batch,
            MaxStepRows = Math.Max(256, batch),
        });
        DecodeMeasurement measured = await new DecodeLoad(cluster).RunAsync(new DecodeShape(batch, promptLength, generateLength));
        if (microBatches == 1)
            _transferUs[batch] = measured.Stages.TransferUs;
        return measured;
    }

    // With several micro-batches in flight a round trip also holds the wait behind the others, so the transfer is measured with one.
    private async Task<double> TransferUsAsync(int rows)
    {
        if (!_transferUs.ContainsKey(rows))
            await MeasureAsync(rows, 1);
        return _transferUs[rows];
    }

    private static PingPongRow Row(string mode, int microBatches, int rows, DecodeMeasurement measured, double transferUs, double alone)
    {
        var times = new StageTimes(measured.Stages.AttentionUs, measured.Stages.ExpertUs, transferUs);
        PipelinePrediction prediction = PipelineShape.Predict(times, microBatches, measured.LayerCount);
        double predicted = 1e6 * measured.Batch / (measured.LayerCount * prediction.LayerPeriodUs);
        return new PingPongRow
        {
            Mode = mode,
            MicroBatches = microBatches,
            RowsPerMicroBatch = rows,
            TokensPerS = Math.Round(measured.TokensPerSecond, 1),
            TaUs = Math.Round(times.AttentionUs, 1),
            TeUs = Math.Round(times.ExpertUs, 1),
            TcUs = Math.Round(times.TransferUs, 2),
            PredictedTokensPerS = Math.Round(predicted, 1),
            PredictionRatio = Math.Round(measured.TokensPerSecond / predicted, 3),
            Speedup = Math.Round(measured.TokensPerSecond / alone, 3),
            AttentionIdleShare = Math.Round(measured.AttentionIdleShare, 3),
            ExpertIdleShare = Math.Round(measured.ExpertIdleShare, 3),
            OutsideUs = Math.Round(measured.OutsideUs(microBatches), 1),
        };
    }
}
