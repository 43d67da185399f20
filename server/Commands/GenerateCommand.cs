using System.CommandLine;
using MegaInfer.Engine;
using MegaInfer.Engine.ChatTemplates;
using MegaInfer.Engine.Requests;
using MegaInfer.Server.Hosting;
using MegaInfer.Server.Streaming;

namespace MegaInfer.Server.Commands;

/// <summary><c>generate</c>: one generation through attention and expert processes, to the terminal.</summary>
internal sealed class GenerateCommand : ICommand
{
    private readonly PoolFlags _pool = new();
    private readonly Option<string?> _prompt = new("--prompt") { HelpName = "TEXT", Description = "A user's message, put through the model's chat template (see --raw)." };
    private readonly Option<string?> _tokens = new("--tokens") { HelpName = "1,2,3", Description = "The prompt as token ids, exactly as they are." };
    private readonly Option<bool> _raw = new("--raw") { Description = "Take --prompt as it is, without the chat template." };
    private readonly Option<int?> _maxTokens = new("--max-tokens") { HelpName = "N", Description = "Tokens to generate at most. Default: the rest of the context." };
    private readonly Option<float?> _temperature = new("--temperature") { HelpName = "T", Description = "0 is greedy. Default: the model's own, else 1." };
    private readonly Option<ulong?> _seed = new("--seed") { HelpName = "S", Description = "The same seed gives the same tokens. Default: a new one." };
    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object: tokens, log-probabilities, text, seed." };
    private readonly Option<bool> _verbose = PrivateCluster.VerboseFlag();

    public Command Create(Terminal terminal)
    {
        var command = new Command("generate", "Generates once, through the same processes as serve, and prints it.");
        Option[] own = [_prompt, _tokens, _raw, _maxTokens, _temperature, _seed, _json, _verbose];
        foreach (Option option in own)
            command.Options.Add(option);
        _pool.AddTo(command);
        command.SetAction((parsed, _) => RunAsync(parsed, terminal));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal)
    {
        string? prompt = parsed.GetValue(_prompt);
        int[]? tokens = parsed.GetValue(_tokens) is { } list ? TokenList.Parse(list) : null;
        if (prompt is null == tokens is null)
            throw new MegaInferException("generate needs one of --prompt TEXT and --tokens 1,2,3.");

        using var signals = new StopSignals();
        await using PrivateCluster cluster = await PrivateCluster.StartAsync(
            _pool.Read(parsed), parsed.GetValue(_verbose) ? terminal.Errors : TextWriter.Null, signals.Stop);
        ServerParts parts = cluster.Host.Parts;
        ModelText text = await parts.Model.Text;
        GenerationRequest request = Build(parsed, parts, text, tokens ?? Encode(text, prompt!, parsed.GetValue(_raw)));
        if (request.Validate(parts.Model.Spec) is { } problem)
            throw new MegaInferException(problem.Message);

        using var stream = new TextStream(parts.Router.Submit([request])[0], text.Tokenizer, [], parts.Model.Spec.EosTokenIds);
        GenerateReport report = await GenerateReport.ReadAsync(stream, parsed.GetValue(_json) ? TextWriter.Null : terminal.Output, signals.Stop);
        await (parsed.GetValue(_json) ? terminal.Output.WriteLineAsync(report.ToJson(parts)) : terminal.Output.WriteLineAsync());
        if (stream.End.Reason is FinishReason.Stop or FinishReason.Length)
            return 0;
        throw new MegaInferException($"The generation was not finished: {stream.End.Message}");
    }

    private static int[] Encode(ModelText text, string prompt, bool isRaw) => isRaw || text.Template is not { } template
        ? text.EncodePlain(prompt)
        : text.EncodeRendered(template.Render([new ChatMessage("user", prompt)], addGenerationPrompt: true));

    private GenerationRequest Build(ParseResult parsed, ServerParts parts, ModelText text, int[] prompt)
    {
        int room = parts.Model.Spec.ContextLength - prompt.Length;
        float? temperature = parsed.GetValue(_temperature);
        GenerationDefaults defaults = temperature is null ? text.Defaults : GenerationDefaults.OpenAi;
        return new GenerationRequest
        {
            Id = parts.Router.NextId(),
            PromptTokens = prompt,
            MaxTokens = parsed.GetValue(_maxTokens) is { } most ? Math.Min(most, Math.Max(room, 1)) : Math.Max(room, 1),
            Sampling = new SamplingParameters
            {
                Temperature = temperature ?? defaults.Temperature,
                TopK = defaults.TopK,
                TopP = defaults.TopP,
                MinP = defaults.MinP,
                RepetitionPenalty = defaults.RepetitionPenalty,
                Seed = parsed.GetValue(_seed) ?? parts.Identities.NextSeed(),
            },
        };
    }
}
