using Grpc.Core;
using MegaInfer.Engine.Requests;
using MegaInfer.Proto;
using MegaInfer.Server.Hosting;
using MegaInfer.Server.Routing;
using MegaInfer.Server.Streaming;
using GeneratedToken = MegaInfer.Engine.Requests.GeneratedToken;

namespace MegaInfer.Server.Grpc;

/// <summary>
/// rollout.proto: prompts x samples, sent back as they finish. At most as many sequences as the nodes work on at once are in the router at a time, so a large batch neither
/// fills the queue nor memory, and a trainer that reads slowly slows only itself.
/// </summary>
internal sealed class RolloutService(ServerParts parts) : Rollout.RolloutBase
{
    private const int MaxPrompts = 4096;
    private const int MaxSamplesPerPrompt = 1024;
    private const int MaxSamples = 65_536;

    public override async Task Generate(RolloutRequest request, IServerStreamWriter<RolloutSample> responseStream, ServerCallContext context)
    {
        GrpcErrors.CheckKey(context, parts);
        GrpcErrors.CheckModel(request.Model, parts);
        CheckSizes(request);
        IReadOnlyList<int[]> prompts = await EncodeAsync(request);
        for (int i = 0; i < prompts.Count; i++)
        {
            if (Build(request, prompts, i, 0).Validate(parts.Model.Spec) is { } problem)
                throw GrpcErrors.Invalid($"prompts[{i}]: {problem.Message}");
        }

        using var writing = new SemaphoreSlim(1, 1);
        var options = new ParallelOptions { MaxDegreeOfParallelism = parts.Router.RunningCapacity, CancellationToken = context.CancellationToken };
        IEnumerable<(int Prompt, int Sample)> all = from prompt in Enumerable.Range(0, prompts.Count)
                                                    from sample in Enumerable.Range(0, request.SamplesPerPrompt)
                                                    select (prompt, sample);
        await Parallel.ForEachAsync(all, options, async (at, cancel) =>
        {
            RolloutSample sample = await DrawAsync(request, prompts, at.Prompt, at.Sample, cancel);
            await writing.WaitAsync(cancel);
            try
            {
                await responseStream.WriteAsync(sample, cancel);
            }
            finally
            {
                writing.Release();
            }
        });
    }

    private static void CheckSizes(RolloutRequest request)
    {
        if (request.Prompts.Count is < 1 or > MaxPrompts)
            throw GrpcErrors.Invalid($"prompts must hold 1 to {MaxPrompts}, found {request.Prompts.Count}.");
        if (request.SamplesPerPrompt is < 1 or > MaxSamplesPerPrompt)
            throw GrpcErrors.Invalid($"samples_per_prompt must be between 1 and {MaxSamplesPerPrompt}, found {request.SamplesPerPrompt}.");
        if (request.Prompts.Count * request.SamplesPerPrompt > MaxSamples)
            throw GrpcErrors.Invalid($"{request.Prompts.Count} prompts x {request.SamplesPerPrompt} samples are more than {MaxSamples}; split the batch.");
    }

    private async Task<IReadOnlyList<int[]>> EncodeAsync(RolloutRequest request)
    {
        ModelText text = await parts.Model.Text;
        return [.. request.Prompts.Select((prompt, i) => prompt.PromptCase switch
        {
            RolloutPrompt.PromptOneofCase.Tokens => prompt.Tokens.Ids.ToArray(),
            RolloutPrompt.PromptOneofCase.Text => text.EncodePlain(prompt.Text),
            _ => throw GrpcErrors.Invalid($"prompts[{i}] has neither tokens nor text."),
        })];
    }

    private GenerationRequest Build(RolloutRequest request, IReadOnlyList<int[]> prompts, int prompt, int sample)
    {
        ulong seed = request.Sampling is { HasSeed: true } sampling ? sampling.Seed : RolloutSeeds.Derive(request.RunSeed, prompt, sample);
        return GrpcMessages.Request(
            parts.Router.NextId(), prompts[prompt], GrpcMessages.Sampling(request.Sampling, seed, sample), request.Limits, topLogProbs: 0, parts.Model.Spec);
    }

    private async Task<RolloutSample> DrawAsync(RolloutRequest request, IReadOnlyList<int[]> prompts, int prompt, int sample, CancellationToken cancel)
    {
        GenerationRequest generation = Build(request, prompts, prompt, sample);
        using TokenStream stream = await SubmitAsync(generation, isFirst: prompt == 0 && sample == 0, cancel);
        var tokens = new List<GeneratedToken>();
        while (await stream.WaitAsync(cancel))
        {
            while (stream.TryTake(out StreamItem item))
                tokens.Add(item.Token);
        }

        return GrpcMessages.Sample(request.Prompts[prompt], prompt, generation, tokens, stream.End);
    }

    /// <summary>A batch that cannot even begin is refused; one that has begun waits for room.</summary>
    private async Task<TokenStream> SubmitAsync(GenerationRequest generation, bool isFirst, CancellationToken cancel)
    {
        while (true)
        {
            TimeSpan wait;
            try
            {
                return parts.Router.Submit([generation])[0];
            }
            catch (AdmissionException refusal)
            {
                if (isFirst || refusal.IsStopping)
                    throw GrpcErrors.Of(refusal);
                wait = refusal.RetryAfter;
            }

            await Task.Delay(wait, parts.Time, cancel);
        }
    }
}
