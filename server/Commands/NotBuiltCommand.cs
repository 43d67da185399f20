using System.CommandLine;

namespace MegaInfer.Server.Commands;

/// <summary>A command that is planned: it says so and fails.</summary>
internal sealed class NotBuiltCommand(string name, string description) : ICommand
{
    public Command Create(Terminal terminal)
    {
        var command = new Command(name, $"{description} (not built yet).") { TreatUnmatchedTokensAsErrors = false };
        command.SetAction((_, _) =>
        {
            terminal.Errors.WriteLine($"{name} is not built yet; megainfer --help lists what is.");
            return Task.FromResult(1);
        });
        return command;
    }
}
