namespace MegaInfer.Server.Commands;

/// <summary>Where a command writes.</summary>
/// <param name="Output">Results: what a script reads.</param>
/// <param name="Errors">Progress, log and error sentences; safe for several threads.</param>
internal sealed record Terminal(TextWriter Output, TextWriter Errors);
