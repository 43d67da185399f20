using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>A test after "is".</summary>
internal delegate bool Test(object? value, CallArguments arguments, RenderBudget budget);
