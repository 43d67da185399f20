namespace MegaInfer.Engine.ChatTemplates.Jinja.Parsing;

/// <summary>
/// Filters and tests that a template names and that do not exist. As in Jinja, they are refused when the template is loaded, except inside an "if", where
/// they fail only when they are reached: templates guard what not every engine has.
/// </summary>
internal sealed class MissingNames
{
    private readonly List<string> _problems = [];

    public int Count => _problems.Count;

    /// <summary>Notes one and returns the sentence for when it is reached.</summary>
    public string Note(string what, int line)
    {
        _problems.Add($"The chat template uses {what}, which does not exist (line {line}).");
        return _problems[^1];
    }

    /// <summary>What came after the first <paramref name="count"/> turned out to stand inside an "if".</summary>
    public void Forgive(int count) => _problems.RemoveRange(count, _problems.Count - count);

    /// <exception cref="ChatTemplateException">One stands outside of every "if".</exception>
    public void Refuse()
    {
        if (_problems.Count > 0)
            throw new ChatTemplateException(_problems[0]);
    }
}
