using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>The functions every template can call.</summary>
internal static class Globals
{
    // As in Jinja's sandbox.
    private const long MaxRange = 100_000;

    public static void AddTo(Scope scope, TimeProvider clock)
    {
        RenderBudget budget = scope.Budget;
        void Add(string name, Func<CallArguments, object?> body) => scope.Set(name, new JinjaFunction(name, body));
        Add("range", arguments => Range(arguments, budget));
        Add("dict", arguments => Dict(arguments));
        Add("namespace", Namespace);
        Add("raise_exception", arguments =>
            throw new ChatTemplateException(PythonText.Str(arguments.Get(0, "message", ""), budget)) { IsRaisedByTemplate = true });
        Add("strftime_now", arguments => TimeText.Format(clock.GetLocalNow(), arguments.Text(0, "format", "strftime_now")));
        Add("joiner", arguments => Joiner(PythonText.Str(arguments.Get(0, "sep", ", "), budget)));
    }

    private static JinjaList Range(CallArguments arguments, RenderBudget budget)
    {
        bool hasStart = arguments.Positional.Count > 1;
        long start = hasStart ? arguments.Number(0, "start", 0, "range") : 0;
        long stop = arguments.Number(hasStart ? 1 : 0, "stop", 0, "range");
        long step = arguments.Number(2, "step", 1, "range");
        if (step == 0)
            throw new ChatTemplateException("The chat template asks for a range with a step of zero.");
        Int128 count = step > 0 ? ((Int128)stop - start + step - 1) / step : ((Int128)start - stop - step - 1) / -(Int128)step;
        if (count > MaxRange)
            throw new ChatTemplateException($"The chat template asks for a range of more than {MaxRange} numbers.");
        JinjaList numbers = [];
        budget.Charge(Math.Max(0, (long)count));
        for (long i = 0; i < count; i++)
            numbers.Add(start + i * step);
        return numbers;
    }

    private static JinjaDict Dict(CallArguments arguments)
    {
        JinjaDict result = new();
        if (arguments.Get(0, "mapping", null) is JinjaDict mapping && arguments.Positional.Count > 0)
        {
            foreach ((object? key, object? value) in mapping.Entries)
                result.Set(key, value);
        }

        foreach ((string name, object? value) in arguments.Keywords)
            result.Set(name, value);
        return result;
    }

    private static JinjaNamespace Namespace(CallArguments arguments)
    {
        JinjaNamespace space = new();
        if (arguments.Positional is [JinjaDict first, ..])
        {
            foreach ((object? key, object? value) in first.Entries)
                space.Attributes[key as string ?? ""] = value;
        }

        foreach ((string name, object? value) in arguments.Keywords)
            space.Attributes[name] = value;
        return space;
    }

    private static JinjaFunction Joiner(string separator)
    {
        bool isUsed = false;
        return new JinjaFunction("joiner", _ =>
        {
            string text = isUsed ? separator : "";
            isUsed = true;
            return text;
        });
    }
}
