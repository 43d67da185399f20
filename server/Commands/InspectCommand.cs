using System.CommandLine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.Commands;

/// <summary><c>inspect</c>: what a model is and what it takes, from its config.json alone; where the weights are there, after the same checks as serving.</summary>
internal sealed class InspectCommand : ICommand
{
    private static readonly ServeOptions Defaults = new();

    private readonly Option<string> _model = PoolFlags.Flag("--model", "DIR|NAME", "A Hugging Face model folder, or the name of the embedded model. Its config.json is enough.", ModelFolders.EmbeddedName);
    private readonly Option<int> _attentionNodes = PoolFlags.Flag("--attention-nodes", "N", "Attention nodes of the pool that memory is stated for.", Defaults.AttentionNodes);
    private readonly Option<int> _expertNodes = PoolFlags.Flag("--expert-nodes", "N", "Expert nodes of that pool; the experts are divided among them.", Defaults.ExpertNodes);
    private readonly Option<string> _dtype = PoolFlags.Dtype();
    private readonly Option<string> _kvDtype = PoolFlags.Flag("--kv-dtype", "bf16|fp32", "Type of the KV cache.", Defaults.KvDtype);
    private readonly Option<string?> _json = new("--json") { HelpName = "FILE", Description = "Write the same as JSON, too." };

    public Command Create(Terminal terminal)
    {
        var command = new Command("inspect", "Says what a model is: architecture, parameters, bytes, KV cache and memory per node.") { _model, _attentionNodes, _expertNodes, _dtype, _kvDtype, _json };
        command.SetAction(parsed =>
        {
            Inspection inspection = Inspect(parsed.GetRequiredValue(_model), PoolOf(parsed));
            foreach ((string label, string text) in InspectionText.Lines(inspection))
                terminal.Output.WriteLine($"{label,-12} {text}");
            if (parsed.GetValue(_json) is { } file)
                InspectionJson.Write(file, inspection);
            return 0;
        });
        return command;
    }

    private Inspection.Pool PoolOf(ParseResult parsed)
    {
        ServeOptions options = Defaults with
        {
            AttentionNodes = parsed.GetValue(_attentionNodes),
            ExpertNodes = parsed.GetValue(_expertNodes),
            Dtype = parsed.GetRequiredValue(_dtype),
            KvDtype = parsed.GetRequiredValue(_kvDtype),
        };
        options.Validate();
        return new Inspection.Pool(options.AttentionNodes, options.ExpertNodes, NumberTypes.FromShortName(options.KvDtype)!.Value, NumberTypes.FromShortName(options.Dtype));
    }

    private static Inspection Inspect(string model, Inspection.Pool pool)
    {
        (string folder, string name) = ModelFolders.Resolve(model, AppContext.BaseDirectory);
        if (!Checkpoint.HasWeights(folder))
            return new Inspection(name, folder, ModelConfig.Read(folder), pool);
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        return new Inspection(name, folder, checkpoint.Spec, pool) { Found = Inspection.Weights.Of(checkpoint) };
    }
}
