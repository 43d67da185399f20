using BenchmarkDotNet.Attributes;
using MegaInfer.Engine.Tokenization;

namespace MegaInfer.Bench.Micro;

/// <summary>A paragraph to ids and back, with the tokenizer of the model that ships with the project.</summary>
public class TokenizerBenchmarks
{
    private const string Paragraph =
        "What is 348 + 275? Please write short steps. A server reads the question, turns it into numbers, and asks its experts, each of which knows a "
        + "little; then it adds up what they say, weighs it, and picks the next word. It does so again and again until the answer stands there: 623.";

    private Tokenizer _tokenizer = null!;
    private int[] _ids = [];

    [GlobalSetup]
    public void SetUp()
    {
        _tokenizer = Tokenizer.Load(MicroModel.ShippedModel());
        _ids = _tokenizer.Encode(Paragraph, addSpecialTokens: false, parseSpecial: false);
    }

    [Benchmark]
    public int[] Encode() => _tokenizer.Encode(Paragraph, addSpecialTokens: false, parseSpecial: false);

    [Benchmark]
    public string Decode() => _tokenizer.Decode(_ids, skipSpecial: true);
}
