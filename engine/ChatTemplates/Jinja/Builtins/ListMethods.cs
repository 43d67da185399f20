using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>Methods of lists and tuples that leave them as they are.</summary>
internal static class ListMethods
{
    /// <summary>The method, or null if there is none of this name.</summary>
    public static JinjaFunction? Find(JinjaList list, string name, RenderBudget budget) => name switch
    {
        "count" => new JinjaFunction(name, arguments =>
        {
            object? wanted = arguments.Require(0, "value", "count");
            return (long)list.Count(item => Truth.AreEqual(item, wanted, budget));
        }),
        "index" => new JinjaFunction(name, arguments =>
        {
            object? wanted = arguments.Require(0, "value", "index");
            int at = list.FindIndex(item => Truth.AreEqual(item, wanted, budget));
            return at >= 0 ? (long)at : throw new ChatTemplateException("The chat template asks for the index of something that is not in the list.");
        }),
        "append" or "extend" or "insert" or "pop" or "remove" or "clear" or "sort" or "reverse" => new JinjaFunction(name, _ =>
            throw new ChatTemplateException($"The chat template calls {name} on a list; templates must not change lists.")),
        _ => null,
    };
}
