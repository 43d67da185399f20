using System.CommandLine;
using MegaInfer.Bench.Cluster;
using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.M2N;

namespace MegaInfer.Bench.Load;

/// <summary>The options of a measured cluster that several verbs share.</summary>
internal sealed class ClusterOptions
{
    private readonly Option<string> _dtype = Choice("--dtype", "Weights", "auto", "auto", "fp32", "bf16", "int8", "int4");
    private readonly Option<string> _kvType = Choice("--kv-dtype", "Keys and values", "bf16", "bf16", "fp32");
    private readonly Option<string> _backend = Choice("--backend", "Kernels", "auto", "auto", "reference", "avx2", "avx512", "avx512vnni", "avx512bf16", "cuda");
    private readonly Option<string> _transport = Choice("--transport", "Between the nodes", "shm", "shm", "loopback");

    internal void AddTo(Command command)
    {
        command.Add(_dtype);
        command.Add(_kvType);
        command.Add(_backend);
        command.Add(_transport);
    }

    internal LocalClusterOptions Read(ParseResult parsed, string modelFolder) => new()
    {
        ModelFolder = modelFolder,
        WeightType = NumberTypes.FromShortName(parsed.GetRequiredValue(_dtype)),
        KvType = NumberTypes.FromShortName(parsed.GetRequiredValue(_kvType))!.Value,
        Backend = Enum.Parse<KernelBackend>(parsed.GetRequiredValue(_backend), ignoreCase: true),
        Transport = Enum.Parse<M2NTransport>(parsed.GetRequiredValue(_transport), ignoreCase: true),
        HasPrefixCache = false,
    };

    /// <summary>Kernels are a GPU's.</summary>
    internal bool IsDevice(ParseResult parsed) => parsed.GetRequiredValue(_backend) == "cuda";

    /// <summary>The same choices for <c>megainfer serve</c>.</summary>
    internal IEnumerable<string> ServeArguments(ParseResult parsed) =>
        ["--dtype", parsed.GetRequiredValue(_dtype), "--kv-dtype", parsed.GetRequiredValue(_kvType), "--backend", parsed.GetRequiredValue(_backend)];

    /// <summary>A list of numbers as people write it: <c>1,4,16</c>.</summary>
    internal static IReadOnlyList<int> ParseList(string option, string text)
    {
        var numbers = new List<int>();
        foreach (string part in text.Split(','))
        {
            if (!int.TryParse(part, out int number) || number < 1)
                throw new MegaInferException($"'{text}' is not a list of positive numbers for {option}; write such as 1,4,16.");
            numbers.Add(number);
        }

        return numbers;
    }

    private static Option<string> Choice(string name, string what, string usual, params string[] values)
    {
        var option = new Option<string>(name) { HelpName = string.Join('|', values), Description = $"{what}: {string.Join(", ", values)}.", DefaultValueFactory = _ => usual };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !values.Contains(result.Tokens[0].Value, StringComparer.Ordinal))
                result.AddError($"{name} is one of {string.Join(", ", values)}, not '{result.Tokens[0].Value}'.");
        });
        return option;
    }
}
