using System.CommandLine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.Commands;

/// <summary><c>inspect</c>: what a model folder holds, after the same checks as serving.</summary>
internal sealed class InspectCommand : ICommand
{
    private readonly Option<string> _model = PoolFlags.Flag("--model", "DIR|NAME", "A Hugging Face model folder, or the name of the embedded model.", ModelFolders.EmbeddedName);

    public Command Create(Terminal terminal)
    {
        var command = new Command("inspect", "Checks a model folder and says what it holds.") { _model };
        command.SetAction(parsed =>
        {
            (string folder, string name) = ModelFolders.Resolve(parsed.GetRequiredValue(_model), AppContext.BaseDirectory);
            using Checkpoint checkpoint = Checkpoint.Open(folder);
            ModelSpec spec = checkpoint.Spec;
            long parameters = checkpoint.Names.All().Sum(tensor => tensor.Elements);
            terminal.Output.WriteLine($"model        {name} ({folder})");
            terminal.Output.WriteLine($"family       {spec.Family}, stored as {checkpoint.StoredType.ShortName()}, {parameters:N0} parameters");
            terminal.Output.WriteLine($"layers       {spec.LayerCount}, hidden {spec.HiddenSize}, vocabulary {spec.VocabularySize}, context {spec.ContextLength}");
            terminal.Output.WriteLine($"attention    {spec.Attention.HeadCount} heads, {spec.Attention.KvHeadCount} KV heads of {spec.Attention.KeyDim}");
            terminal.Output.WriteLine($"experts      {spec.Router.ExpertCount} of width {spec.Experts.Width}, {spec.Router.ExpertsPerToken} per token");
            terminal.Output.WriteLine($"end tokens   {string.Join(", ", spec.EosTokenIds)}");
            terminal.Output.WriteLine($"digest       {ModelDigest.Of(checkpoint)}");
            return 0;
        });
        return command;
    }
}
