using System.CommandLine;

namespace MegaInfer.Server.Commands;

/// <summary>One command of the program.</summary>
internal interface ICommand
{
    /// <summary>The command with its flags; its action calls back into this object.</summary>
    /// <param name="terminal">Where results and log lines go.</param>
    Command Create(Terminal terminal);
}
