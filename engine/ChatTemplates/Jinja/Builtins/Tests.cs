using System.Numerics;
using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>The tests after "is".</summary>
internal static class Tests
{
    private static readonly Dictionary<string, Test> ByName = new()
    {
        ["defined"] = (value, _, _) => value is not Undefined,
        ["undefined"] = (value, _, _) => value is Undefined,
        ["none"] = (value, _, _) => value is null,
        ["string"] = (value, _, _) => value is string,
        ["number"] = (value, _, _) => Truth.IsNumber(value),
        ["integer"] = (value, _, _) => value is long or BigInteger,
        ["float"] = (value, _, _) => value is double,
        ["boolean"] = (value, _, _) => value is bool,
        ["true"] = (value, _, _) => value is true,
        ["false"] = (value, _, _) => value is false,
        ["mapping"] = (value, _, _) => value is JinjaDict,
        ["iterable"] = (value, _, _) => Iteration.IsIterable(value),
        ["sequence"] = (value, _, _) => Iteration.IsIterable(value),
        ["callable"] = (value, _, _) => value is JinjaFunction,
        ["escaped"] = (_, _, _) => false,
        ["lower"] = (value, _, budget) => HasCase(PythonText.Str(value, budget), char.IsUpper),
        ["upper"] = (value, _, budget) => HasCase(PythonText.Str(value, budget), char.IsLower),
        ["odd"] = (value, _, _) => Remainder(value, 2, "odd") != 0,
        ["even"] = (value, _, _) => Remainder(value, 2, "even") == 0,
        ["divisibleby"] = (value, arguments, _) => Remainder(value, arguments.Number(0, "num", 0, "divisibleby"), "divisibleby") == 0,
        ["sameas"] = (value, arguments, _) => arguments.Require(0, "other", "sameas") is object other ? IsSame(value, other) : value is null,
        ["filter"] = (value, _, _) => value is string name && Filters.TryGet(name, out _),
        ["test"] = (value, _, _) => value is string name && TryGet(name, out _),
        ["in"] = Compares("in"),
        ["eq"] = Compares("=="),
        ["equalto"] = Compares("=="),
        ["=="] = Compares("=="),
        ["ne"] = Compares("!="),
        ["!="] = Compares("!="),
        ["lt"] = Compares("<"),
        ["lessthan"] = Compares("<"),
        ["<"] = Compares("<"),
        ["le"] = Compares("<="),
        ["<="] = Compares("<="),
        ["gt"] = Compares(">"),
        ["greaterthan"] = Compares(">"),
        [">"] = Compares(">"),
        ["ge"] = Compares(">="),
        [">="] = Compares(">="),
    };

    public static bool TryGet(string name, out Test test) => ByName.TryGetValue(name, out test!);

    private static Test Compares(string op) => (value, arguments, budget) =>
        Comparison.Holds(op, value, arguments.Require(0, "other", $"the test '{op}'"), budget);

    private static bool IsSame(object? value, object other) => value is bool or long or double or string ? value.Equals(other) : ReferenceEquals(value, other);

    // Python's isupper and islower: at least one letter with a case, and none of the wrong one.
    private static bool HasCase(string text, Func<char, bool> isWrong) =>
        text.Any(c => char.IsUpper(c) || char.IsLower(c)) && !text.Any(isWrong);

    private static long Remainder(object? value, long divisor, string test)
    {
        if (value is not long number || divisor == 0)
            throw new ChatTemplateException($"The chat template applies the test '{test}' to something it does not fit.");
        return divisor == -1 ? 0 : number % divisor;
    }
}
