using MegaInfer.Rl.Tasks;

namespace MegaInfer.Rl.Tokens;

/// <summary>Learns the embedded model's vocabulary from a fixed sample of its training conversations.</summary>
public static class Vocabulary
{
    private const int SampleSize = 30_000;
    private const int MergeCount = 765; // with 256 bytes and 3 special tokens: 1 024 ids

    /// <summary>Learns the merges from the conversations that <paramref name="mix"/> draws for <paramref name="seed"/>.</summary>
    public static BytePairEncoding Learn(TrainingMix mix, ulong seed)
    {
        SeededRandom random = new(seed, stream: ulong.MaxValue);
        List<string> texts = [];
        for (int i = 0; i < SampleSize; i++)
        {
            Conversation conversation = mix.Draw(progress: 0, random);
            if (conversation.System is { } system)
                texts.Add("system\n" + system);
            foreach (Turn turn in conversation.Turns)
            {
                texts.Add("user\n" + turn.Question);
                texts.Add("assistant\n" + turn.Reply);
            }
        }
        return new BytePairEncoding(MergeLearner.Learn(texts, MergeCount));
    }
}
