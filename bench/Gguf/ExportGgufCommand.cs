using System.CommandLine;

namespace MegaInfer.Bench.Gguf;

/// <summary><c>export-gguf</c>: writes a model folder as a GGUF file, so that its rivals can be measured on the same weights.</summary>
internal sealed class ExportGgufCommand
{
    private readonly Option<string> _model = new("--model") { Description = "The checkpoint's folder.", Required = true, HelpName = "DIR" };
    private readonly Option<string> _out = new("--out") { Description = "The file to write; an existing one is replaced.", Required = true, HelpName = "FILE" };

    internal Command Build()
    {
        var command = new Command("export-gguf", "Write a qwen3_moe or mixtral model as a bf16 GGUF file for llama.cpp and its kin.") { _model, _out };
        command.SetAction((parsed, cancel) =>
        {
            string file = parsed.GetRequiredValue(_out);
            GgufModel.Export(parsed.GetRequiredValue(_model), file, cancel);
            Console.WriteLine($"{file}: {new FileInfo(file).Length / 1e6:0.0} MB");
            return Task.FromResult(0);
        });
        return command;
    }
}
