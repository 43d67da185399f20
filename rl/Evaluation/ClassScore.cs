namespace MegaInfer.Rl.Evaluation;

/// <summary>What one class of prompts scored.</summary>
/// <param name="Name">The class, or <c>SmallTalk</c>.</param>
/// <param name="Prompts">Prompts asked.</param>
/// <param name="Samples">Replies per prompt.</param>
/// <param name="Temperature">0 is greedy.</param>
/// <param name="Exact">Share of right replies over all samples.</param>
/// <param name="Never">Prompts right in no sample.</param>
/// <param name="Mixed">Prompts right in some samples and wrong in others.</param>
/// <param name="Always">Prompts right in every sample.</param>
internal sealed record ClassScore(string Name, int Prompts, int Samples, double Temperature, double Exact, int Never, int Mixed, int Always)
{
    /// <summary>Counts the right replies of each prompt into a score.</summary>
    public static ClassScore Of(string name, int samples, double temperature, IReadOnlyCollection<int> rightPerPrompt) => new(
        name, rightPerPrompt.Count, samples, temperature, (double)rightPerPrompt.Sum() / (rightPerPrompt.Count * samples),
        rightPerPrompt.Count(right => right == 0), rightPerPrompt.Count(right => right > 0 && right < samples),
        rightPerPrompt.Count(right => right == samples));
}
