namespace MegaInfer.Engine.Requests;

/// <summary>One sampled token on its way to the client.</summary>
/// <param name="Id">Token id.</param>
/// <param name="LogProb">Natural log-probability under the raw distribution (temperature 1, nothing cut).</param>
/// <param name="Version">The weights that computed it.</param>
/// <param name="TopLogProbs">The most likely alternatives, most likely first, as many as asked for; empty otherwise.</param>
public readonly record struct GeneratedToken(int Id, float LogProb, WeightVersion Version, IReadOnlyList<TokenLogProb> TopLogProbs);

/// <summary>A token and its raw log-probability.</summary>
public readonly record struct TokenLogProb(int Id, float LogProb);
