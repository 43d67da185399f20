using System.Collections.Concurrent;
using MegaInfer.Rl.Tests.Oracle;
using MegaInfer.Rl.Tests.Oracle.Tiny;
using Xunit;

[assembly: AssemblyFixture(typeof(OracleCases))]

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>A variant written to a temporary folder, the tokens it is tested with, and what the oracle says of them.</summary>
public sealed record OracleCase(string Folder, int[] Tokens, float[,] Logits, double Deviation, IReadOnlySet<string> Features, OracleTrace Trace)
{
    /// <summary>The largest difference of any logit, in standard deviations of the logits.</summary>
    public double DistanceTo(float[,] others)
    {
        double largest = 0;
        for (int token = 0; token < Logits.GetLength(0); token++)
        {
            for (int id = 0; id < Logits.GetLength(1); id++)
            {
                double difference = Math.Abs(Logits[token, id] - others[token, id]);
                if (double.IsNaN(difference))
                    return double.NaN;
                largest = Math.Max(largest, difference);
            }
        }
        return largest / Deviation;
    }
}

/// <summary>Every variant's case, made once and shared by all theories; the folders go when the run ends.</summary>
public sealed class OracleCases : IDisposable
{
    /// <summary>Longer than every window and every original length of the variants.</summary>
    public const int TokenCount = 48;

    private const int Seed = 5;

    // So clear that rounding the KV cache to bf16 chooses the same experts.
    internal const double ClearMargin = 0.03;

    private readonly string _folder = Directory.CreateTempSubdirectory("megainfer-oracle-").FullName;
    private readonly ConcurrentDictionary<string, Lazy<OracleCase>> _cases = new();

    public OracleCase this[string variant] => _cases.GetOrAdd(variant, name => new Lazy<OracleCase>(() => Make(name))).Value;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private OracleCase Make(string variant)
    {
        string folder = Path.Combine(_folder, variant);
        TinyModels.Write(variant, folder, Seed);
        using var oracle = new TorchOracle(folder);
        (int[] tokens, float[,] logits) = ClearTokens(oracle);
        double mean = logits.Cast<float>().Average(logit => (double)logit);
        double deviation = Math.Sqrt(logits.Cast<float>().Average(logit => (logit - mean) * (logit - mean)));
        return new OracleCase(folder, tokens, logits, deviation, oracle.Features, oracle.Trace);
    }

    // Replaces each token whose routing is a close call. Tokens see only what is before them, so one pass settles all up to the first close call.
    private static (int[] Tokens, float[,] Logits) ClearTokens(TorchOracle oracle)
    {
        var random = new Random(Seed);
        int[] tokens = new int[TokenCount];
        float[,] logits = oracle.Logits(tokens);
        int vocabularySize = logits.GetLength(1);
        for (int i = 0; i < tokens.Length; i++)
            tokens[i] = random.Next(vocabularySize);
        for (int attempts = 0; attempts < 2000; attempts++)
        {
            logits = oracle.Logits(tokens);
            int close = Enumerable.Range(0, TokenCount).FirstOrDefault(token => !(oracle.Trace.Margins[token] >= ClearMargin), TokenCount);
            if (close == TokenCount)
                return (tokens, logits);
            tokens[close] = random.Next(vocabularySize);
        }
        throw new InvalidOperationException("Some position has no token that is routed clearly.");
    }
}
