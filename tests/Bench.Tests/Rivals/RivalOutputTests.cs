using MegaInfer.Bench.Rivals;
using MegaInfer.Engine;
using Xunit;

namespace MegaInfer.Bench.Tests.Rivals;

/// <summary>Outputs that the rivals' programs really printed, shortened between what is read.</summary>
public sealed class RivalOutputTests
{
    internal const string LlamaTable = """

        llama_batched_bench: n_kv_max = 512, n_batch = 2048, n_ubatch = 512, flash_attn = -1, is_pp_shared = 0, is_tg_separate = 0, n_gpu_layers = -1, n_threads = 2, n_threads_batch = 2

        |    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |
        |-------|--------|------|--------|----------|----------|----------|----------|----------|----------|
        |    16 |      8 |    2 |     48 |    0.336 |    95.33 |    0.243 |    65.92 |    0.578 |    82.99 |
        |    16 |      8 |    1 |     24 |    0.168 |    95.01 |    0.121 |    66.12 |    0.289 |    83.11 |

        """;

    // Its table goes to standard error, among what it says of loading.
    internal const string IkTable = """
        llama_init_from_model: graph splits = 1
        llama_init_from_model: enabling only_active_experts scheduling

        main: n_kv_max = 512, n_batch = 2048, n_ubatch = 512, flash_attn = 1, is_pp_shared = 0, n_gpu_layers = -1, n_threads = 2, n_threads_batch = 2

        |    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |
        |-------|--------|------|--------|----------|----------|----------|----------|----------|----------|
        |    16 |      8 |    2 |     48 |    0.005 |  6944.44 |    0.006 |  2828.35 |    0.010 |  4676.08 |

        llama_print_timings:        load time =      93.90 ms
        llama_print_timings:       total time =     104.26 ms /    65 tokens
        """;

    internal const string LlamaTest = """
        [
          {
            "build_commit": "unknown",
            "build_number": 0,
            "n_threads": 2,
            "cpu_mask": "0x0",
            "n_prompt": 64,
            "n_gen": 0,
            "n_depth": 0,
            "avg_ns": 2917432,
            "stddev_ns": 862242,
            "avg_ts": 23130.168614,
            "stddev_ts": 6094.058327,
            "samples_ns": [ 2256141, 2603504, 3892653 ],
            "samples_ts": [ 28367, 24582.3, 16441.2 ]
          }
        ]
        """;

    private const string NoRow = """
        |    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |
        |-------|--------|------|--------|----------|----------|----------|----------|----------|----------|
        """;

    [Theory]
    [InlineData(LlamaTable, 65.92)]
    [InlineData(IkTable, 2828.35)]
    public void Speed_OfARealTable_IsItsDecodeColumn(string output, double expected) =>
        Assert.Equal(expected, BatchedBenchOutput.Speed(output, promptLength: 16, generateLength: 8, batch: 2));

    [Theory]
    [InlineData("failed to decode the batch, n_batch = 2048, ret = 1", "'failed to decode the batch")]
    [InlineData("", "''")]
    [InlineData(NoRow, "'|-------")]
    [InlineData("|  PP |  TG |  B | S_TG t/s |\n", "'|  PP |  TG |")]
    [InlineData(NoRow + "\n|    16 |      8 |    4 |     96 |    0.336 |    95.33 |    0.243 |    65.92 |    0.578 |    82.99 |", "'|    16 |      8 |    4 |")]
    [InlineData(NoRow + "\n|    16 |      8 |    2 |     96 |    0.336 |    95.33 |    0.243 |      nan |    0.578 |    82.99 |", "nan")]
    [InlineData(NoRow + "\n|    16 |      8 |    2 |     96 |    0.336 |    95.33 |    0.243", "0.243'")]
    public void Speed_OfAnythingElse_ShowsTheLine(string output, string shown)
    {
        MegaInferException refusal = Assert.Throws<MegaInferException>(() => BatchedBenchOutput.Speed(output, 16, 8, 2));
        Assert.Contains(shown, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PrefillSpeed_OfARealTest_IsItsMean() => Assert.Equal(23130.168614, LlamaBenchOutput.PrefillSpeed(LlamaTest, tokens: 64, threads: 2));

    [Theory]
    [InlineData("main: error: failed to load model", "'main: error")]
    [InlineData("[]", "'[]'")]
    [InlineData("""[{"n_prompt": 64, "n_gen": 0, "n_threads": 2}]""", "n_prompt")]
    [InlineData("""[{"n_prompt": 32, "n_gen": 0, "n_threads": 2, "avg_ts": 5}]""", "\"n_prompt\": 32")]
    [InlineData("""[{"n_prompt": 64, "n_gen": 0, "n_threads": 4, "avg_ts": 5}]""", "\"n_threads\": 4")]
    [InlineData("""[{"n_prompt": 64, "n_gen": 0, "n_threads": 2, "avg_ts": 0}]""", "\"avg_ts\": 0")]
    public void PrefillSpeed_OfAnythingElse_ShowsTheText(string output, string shown)
    {
        MegaInferException refusal = Assert.Throws<MegaInferException>(() => LlamaBenchOutput.PrefillSpeed(output, 64, 2));
        Assert.Contains(shown, refusal.Message, StringComparison.Ordinal);
    }
}
