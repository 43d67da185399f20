using System.Globalization;
using System.Text;

namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>A small model folder as Kimi-K2 has it: every byte, and the most frequent pairs of a few sentences, merged a few hundred times.</summary>
internal static class TiktokenModel
{
    private const string Corpus =
        "The quick brown fox jumps over the lazy dog, isn't it? I'll say WE'VE seen Größe and naïve café. 今天天气很好，我们去公园吧。你好，世界！"
        + " for (int i = 0; i < 100; i++) {\n    sum += values[i];\n}\n\n  return sum; // 12345 67890 Привет мир こんにちは 안녕하세요";

    public const string Config = """
        {"tokenizer_class": "TikTokenTokenizer", "bos_token": "[BOS]", "eos_token": "[EOS]", "model_max_length": 1000, "added_tokens_decoder": {
          "600": {"content": "[BOS]", "special": true}, "601": {"content": "[EOS]", "special": true}, "602": {"content": "<|im_end|>", "special": true},
          "604": {"content": "<|im_user|>", "special": true}, "610": {"content": "<|tool_call_begin|>", "special": false}}}
        """;

    private const int Count = 600;
    private const int LongestToken = 12;

    /// <summary>Ranks by <see cref="NaiveTiktoken.Key"/>.</summary>
    public static IReadOnlyDictionary<string, int> Ranks { get; } = Train();

    public static string File(IReadOnlyDictionary<string, int>? ranks = null) => string.Concat((ranks ?? Ranks).Select(entry =>
        string.Create(CultureInfo.InvariantCulture, $"{Convert.ToBase64String(Encoding.Latin1.GetBytes(entry.Key))} {entry.Value}\n")));

    public static TemporaryModelFolder Folder()
    {
        TemporaryModelFolder folder = TemporaryModelFolder.Empty();
        folder.Write("tiktoken.model", File());
        folder.Write("tokenizer_config.json", Config);
        return folder;
    }

    private static Dictionary<string, int> Train()
    {
        Dictionary<string, int> ranks = [];
        // Not in the order of their values: a rank is not the byte.
        for (int b = 0; b < 256; b++)
            ranks.Add(NaiveTiktoken.Key([(byte)(b * 167 % 256)]), b);
        List<string> parts = [.. Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(Corpus, 3))).Select(one => NaiveTiktoken.Key([one]))];
        while (ranks.Count < Count)
        {
            string? best = parts.Zip(parts.Skip(1), (left, right) => left + right).Where(pair => pair.Length <= LongestToken && !ranks.ContainsKey(pair))
                .CountBy(pair => pair).OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key, StringComparer.Ordinal).FirstOrDefault().Key;
            // The sentences are used up: tokens that no text needs fill the rest.
            best ??= Enumerable.Range(0, Count).Select(i => $"{i:000}").First(filler => !ranks.ContainsKey(filler));
            ranks.Add(best, ranks.Count);
            for (int i = 0; i + 1 < parts.Count; i++)
            {
                if (parts[i] + parts[i + 1] == best)
                {
                    parts[i] = best;
                    parts.RemoveAt(i + 1);
                }
            }
        }

        return ranks;
    }
}
