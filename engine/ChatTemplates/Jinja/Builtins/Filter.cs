using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>A filter: the value before the bar, the arguments, and what rendering may still spend.</summary>
internal delegate object? Filter(object? value, CallArguments arguments, RenderBudget budget);
