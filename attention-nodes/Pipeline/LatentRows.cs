namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>What latent attention makes of a step's rows on the way; only models that have it have these.</summary>
/// <param name="QueryDown">[rows, query rank]; null where queries come straight from the row.</param>
/// <param name="Queries">[rows, heads x (nope + rope)]</param>
/// <param name="Absorbed">[rows, heads x (KV rank + rope)] Queries as they meet the cache.</param>
/// <param name="Keys">[rows, KV rank + rope] What is cached.</param>
/// <param name="Latents">[rows, heads x KV rank] Attended, before they leave the latent space.</param>
public sealed record LatentRows(StepRows QueryDown, StepRows Queries, StepRows Absorbed, StepRows Keys, StepRows Latents);
