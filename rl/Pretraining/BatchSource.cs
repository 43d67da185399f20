using MegaInfer.Rl.Tasks;
using MegaInfer.Rl.Tokens;

namespace MegaInfer.Rl.Pretraining;

/// <summary>
/// Makes the batches of a step, one per replica. Step s depends on nothing but the seed and s, so the step number is the whole data
/// cursor. Not thread safe.
/// </summary>
public sealed class BatchSource(TrainingMix mix, ChatEncoder encoder, PretrainingOptions options)
{
    /// <summary>Fills each replica's batch to about its share of tokens; the next conversation goes to the emptier one.</summary>
    public TokenBatch[] Draw(int step)
    {
        SeededRandom random = new(options.Seed, stream: (ulong)step);
        double progress = (double)step / options.Steps;
        List<EncodedConversation>[] shares = [.. Enumerable.Range(0, options.Replicas).Select(_ => new List<EncodedConversation>())];
        int[] tokens = new int[options.Replicas];
        while (tokens.Sum() < options.TokensPerStep)
        {
            EncodedConversation conversation = encoder.Encode(mix.Draw(progress, random));
            int target = Array.IndexOf(tokens, tokens.Min());
            shares[target].Add(conversation);
            tokens[target] += conversation.Ids.Length;
        }
        return [.. shares.Select(share => new TokenBatch(share))];
    }
}
