using System.CommandLine;
using System.CommandLine.Help;
using MegaInfer.Rl.Evaluation;
using MegaInfer.Rl.Pretraining;

RootCommand root = new("Trains and scores the models that MegaInfer serves.") { PretrainCommand.Create(), EvalCommand.Create() };
ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count == 0 || parsed.Action is HelpAction)
    return parsed.Invoke();

// One sentence instead of a page of help.
string problem = parsed.UnmatchedTokens.Count > 0 ? $"'{parsed.UnmatchedTokens[0]}' is not one of its commands or flags" : parsed.Errors[0].Message.TrimEnd('.');
Console.Error.WriteLine($"megainfer-rl: {problem}; built so far are {string.Join(" and ", root.Subcommands.Select(command => command.Name))}, see ./megainfer train --help.");
return 1;
