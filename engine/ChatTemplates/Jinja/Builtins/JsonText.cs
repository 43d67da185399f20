using System.Globalization;
using System.Numerics;
using System.Text;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>tojson, as Hugging Face has it: Python's json.dumps with non-ASCII characters kept.</summary>
internal sealed class JsonText
{
    private readonly StringBuilder _output = new();
    private readonly RenderBudget _budget;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;
    private readonly bool _isAscii;
    private readonly bool _sortsKeys;

    private JsonText(CallArguments arguments, RenderBudget budget)
    {
        _budget = budget;
        _isAscii = arguments.Flag(0, "ensure_ascii");
        _indent = arguments.Get(1, "indent", null) switch
        {
            null or Undefined => null,
            long width => new string(' ', (int)Math.Clamp(width, 0, 100)),
            string text => text,
            object other => throw new ChatTemplateException($"The chat template gives tojson a {PythonText.TypeName(other)} as indent."),
        };
        (_itemSeparator, _keySeparator) = (_indent is null ? ", " : ",", ": ");
        if (arguments.Get(2, "separators", null) is JinjaList separators)
        {
            if (separators is not [string item, string key])
                throw new ChatTemplateException("The chat template gives tojson separators that are not two strings.");
            (_itemSeparator, _keySeparator) = (item, key);
        }

        _sortsKeys = arguments.Flag(3, "sort_keys");
    }

    public static string Write(object? value, CallArguments arguments, RenderBudget budget)
    {
        JsonText json = new(arguments, budget);
        json.WriteValue(value, 0);
        return json._output.ToString();
    }

    private void WriteValue(object? value, int depth)
    {
        _budget.ChargeText(_output.Length > RenderBudget.MaxChars ? long.MaxValue : 1);
        switch (value)
        {
            case null:
                _output.Append("null");
                break;
            case bool flag:
                _output.Append(flag ? "true" : "false");
                break;
            case long or BigInteger:
                _output.Append(CultureInfo.InvariantCulture, $"{value}");
                break;
            case double number:
                _output.Append(PythonText.Number(number) switch { "inf" => "Infinity", "-inf" => "-Infinity", "nan" => "NaN", string text => text });
                break;
            case string text:
                WriteString(text);
                break;
            case JinjaList list:
                WriteItems<object?>('[', ']', list, depth, item => WriteValue(item, depth + 1));
                break;
            case JinjaDict dict:
                IEnumerable<KeyValuePair<object?, object?>> entries = dict.Entries;
                if (_sortsKeys)
                    entries = entries.OrderBy(entry => entry.Key, Comparer<object?>.Create((a, b) => Truth.Compare(a, b, _budget)));
                WriteItems('{', '}', [.. entries], depth, entry => WriteEntry(entry, depth + 1));
                break;
            default:
                throw new ChatTemplateException($"The chat template writes a {PythonText.TypeName(value)} as JSON, which is not possible.");
        }
    }

    private void WriteItems<T>(char open, char close, List<T> items, int depth, Action<T> write)
    {
        using RenderBudget.Level level = _budget.Deeper();
        _output.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0)
                _output.Append(_itemSeparator);
            NewLine(depth + 1);
            write(items[i]);
        }

        if (items.Count > 0)
            NewLine(depth);
        _output.Append(close);
    }

    private void WriteEntry(KeyValuePair<object?, object?> entry, int depth)
    {
        WriteString(entry.Key switch
        {
            null => "null",
            bool flag => flag ? "true" : "false",
            object key => PythonText.Str(key, _budget),
        });
        _output.Append(_keySeparator);
        WriteValue(entry.Value, depth);
    }

    private void NewLine(int depth)
    {
        if (_indent is null)
            return;
        _budget.ChargeText((long)depth * _indent.Length);
        _output.Append('\n');
        for (int i = 0; i < depth; i++)
            _output.Append(_indent);
    }

    private void WriteString(string text)
    {
        _budget.ChargeText(text.Length);
        _output.Append('"');
        foreach (char c in text)
        {
            switch (c)
            {
                case '"':
                    _output.Append("\\\"");
                    break;
                case '\\':
                    _output.Append("\\\\");
                    break;
                case '\n':
                    _output.Append("\\n");
                    break;
                case '\r':
                    _output.Append("\\r");
                    break;
                case '\t':
                    _output.Append("\\t");
                    break;
                case '\b':
                    _output.Append("\\b");
                    break;
                case '\f':
                    _output.Append("\\f");
                    break;
                default:
                    if (c < ' ' || (_isAscii && c > '~'))
                        _output.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                    else
                        _output.Append(c);
                    break;
            }
        }

        _output.Append('"');
    }
}
