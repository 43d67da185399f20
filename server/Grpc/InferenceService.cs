using Grpc.Core;
using MegaInfer.Engine.Requests;
using MegaInfer.Proto;
using MegaInfer.Server.Hosting;
using MegaInfer.Server.Routing;
using MegaInfer.Server.Streaming;
using SequenceEnd = MegaInfer.Server.Streaming.SequenceEnd;

namespace MegaInfer.Server.Grpc;

/// <summary>inference.proto: token-in, token-out. The same router and the same streams as HTTP, without text.</summary>
internal sealed class InferenceService(ServerParts parts) : Inference.InferenceBase
{
    public override async Task Generate(GenerateRequest request, IServerStreamWriter<GenerateResponse> responseStream, ServerCallContext context)
    {
        GrpcErrors.CheckKey(context, parts);
        GrpcErrors.CheckModel(request.Model, parts);
        GenerationRequest generation = await BuildAsync(request);
        using TokenStream stream = Submit(generation);
        string requestId = context.RequestHeaders.GetValue("x-request-id") ?? parts.Identities.NextRequestId();
        var started = new Started { Seed = generation.Sampling.Seed, PromptTokens = generation.PromptTokens.Length, RequestId = requestId };
        await responseStream.WriteAsync(new GenerateResponse { Started = started }, context.CancellationToken);

        int count = 0;
        while (await stream.WaitAsync(context.CancellationToken))
        {
            // Whatever has come since the last write goes out together.
            var tokens = new Tokens();
            while (stream.TryTake(out StreamItem item))
                tokens.Tokens_.Add(GrpcMessages.Token(item.Token));
            count += tokens.Tokens_.Count;
            await responseStream.WriteAsync(new GenerateResponse { Tokens = tokens }, context.CancellationToken);
        }

        SequenceEnd end = stream.End;
        if (end.IsUnavailable)
            throw GrpcErrors.Unavailable(end.Message);
        await responseStream.WriteAsync(new GenerateResponse { Finished = GrpcMessages.Finished(generation, count, end) }, context.CancellationToken);
    }

    public override async Task<ModelInfo> GetModel(GetModelRequest request, ServerCallContext context)
    {
        GrpcErrors.CheckKey(context, parts);
        Engine.Model.ModelSpec spec = parts.Model.Spec;
        return new ModelInfo
        {
            Name = parts.Model.Name,
            Family = spec.Family,
            VocabularySize = spec.VocabularySize,
            ContextLength = spec.ContextLength,
            EosTokenIds = { spec.EosTokenIds },
            Digest = await parts.Model.Digest,
            NumericsId = parts.Cluster.Current.NumericsIds.GetValueOrDefault(Engine.Cluster.NodeRole.Attention, ""),
        };
    }

    private async Task<GenerationRequest> BuildAsync(GenerateRequest request)
    {
        int[] prompt = request.PromptCase switch
        {
            GenerateRequest.PromptOneofCase.Tokens => [.. request.Tokens.Ids],
            GenerateRequest.PromptOneofCase.Text => (await parts.Model.Text).EncodePlain(request.Text),
            _ => throw GrpcErrors.Invalid("prompt is missing; give tokens or text."),
        };
        ulong seed = request.Sampling is { HasSeed: true } sampling ? sampling.Seed : parts.Identities.NextSeed();
        GenerationRequest generation = GrpcMessages.Request(
            parts.Router.NextId(), prompt, GrpcMessages.Sampling(request.Sampling, seed, request.SampleIndex), request.Limits, request.TopLogProbs, parts.Model.Spec);
        return generation.Validate(parts.Model.Spec) is { } problem ? throw GrpcErrors.Of(problem) : generation;
    }

    private TokenStream Submit(GenerationRequest request)
    {
        try
        {
            return parts.Router.Submit([request])[0];
        }
        catch (AdmissionException refusal)
        {
            throw GrpcErrors.Of(refusal);
        }
    }
}
