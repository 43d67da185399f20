using System.CommandLine;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Server.Hosting;
using MegaInfer.Server.Streaming;

namespace MegaInfer.Server.Commands;

/// <summary><c>logits</c>: the logits of every position of a prompt, computed by the same processes as serving, as a NumPy file of float32 <c>[tokens, vocabulary]</c>.</summary>
internal sealed class LogitsCommand : ICommand
{
    private readonly PoolFlags _pool = new();
    private readonly Option<string> _tokens = new("--tokens") { HelpName = "1,2,3", Description = "The prompt as token ids.", Required = true };
    private readonly Option<string> _out = new("--out") { HelpName = "FILE.npy", Description = "The file to write.", Required = true };
    private readonly Option<bool> _verbose = PrivateCluster.VerboseFlag();

    public Command Create(Terminal terminal)
    {
        var command = new Command("logits", "Writes the logits of every position of a prompt as a NumPy file, float32 [tokens, vocabulary].") { _tokens, _out, _verbose };
        _pool.AddTo(command);
        command.SetAction((parsed, _) => RunAsync(parsed, terminal));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal)
    {
        int[] tokens = TokenList.Parse(parsed.GetRequiredValue(_tokens));
        string file = parsed.GetRequiredValue(_out);
        using var signals = new StopSignals();
        await using PrivateCluster cluster = await PrivateCluster.StartAsync(
            _pool.Read(parsed) with { NeedsText = false }, parsed.GetValue(_verbose) ? terminal.Errors : TextWriter.Null, signals.Stop);
        ServerParts parts = cluster.Host.Parts;
        var request = new GenerationRequest
        {
            Id = parts.Router.NextId(),
            PromptTokens = tokens,
            MaxTokens = 0,
            Sampling = new SamplingParameters { Temperature = 0, Seed = 0 },
            PromptLogits = true,
        };
        if (request.Validate(parts.Model.Spec) is { } problem)
            throw new MegaInferException(problem.Message);
        using TokenStream stream = parts.Router.Submit([request])[0];
        using var npy = new NpyFile(file, tokens.Length, parts.Model.Spec.VocabularySize);
        while (await stream.WaitAsync(signals.Stop))
        {
            while (stream.TryTake(out StreamItem item))
                npy.Append(item.PromptLogits.Span);
        }

        if (stream.End.Reason is not (FinishReason.Stop or FinishReason.Length))
            throw new MegaInferException($"The logits were not finished: {stream.End.Message}");
        npy.Complete();
        await terminal.Errors.WriteLineAsync($"wrote {file}: float32 [{tokens.Length}, {parts.Model.Spec.VocabularySize}]");
        return 0;
    }
}
