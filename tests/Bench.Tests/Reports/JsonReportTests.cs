using System.Text.Json;
using MegaInfer.Bench.Machine;
using MegaInfer.Bench.PingPong;
using MegaInfer.Bench.Reports;
using Xunit;

namespace MegaInfer.Bench.Tests.Reports;

public sealed class JsonReportTests
{
    [Fact]
    public void ToText_PingPong_HasTheDocumentedNames()
    {
        var machine = new MachineInfo("cpu", 2, 16, "os", 2, 31.7, 350);
        var row = new PingPongRow
        {
            Mode = "fixed-rows",
            MicroBatches = 2,
            RowsPerMicroBatch = 16,
            TokensPerS = 100,
            TaUs = 1,
            TeUs = 2,
            TcUs = 3,
            PredictedTokensPerS = 90,
            PredictionRatio = 1.1,
            Speedup = 1.7,
            AttentionIdleShare = 0.1,
            ExpertIdleShare = 0.2,
            OutsideUs = 4,
        };
        using var json = JsonDocument.Parse(JsonReport.ToText(new Report<PingPongRow>(machine, [row])));
        JsonElement written = json.RootElement.GetProperty("rows")[0];
        string[] documented = ["micro_batches", "rows_per_micro_batch", "tokens_per_s", "ta_us", "te_us", "tc_us", "predicted_tokens_per_s"];
        Assert.All(documented, name => Assert.Equal(JsonValueKind.Number, written.GetProperty(name).ValueKind));
        Assert.Equal(31.7, json.RootElement.GetProperty("machine").GetProperty("read_gb_per_s").GetDouble());
    }
}
