using System.Globalization;
using System.Text;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>strftime, with English names whatever the machine's language.</summary>
internal static class TimeText
{
    public static string Format(DateTimeOffset time, string format)
    {
        StringBuilder result = new();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }

            // %-d: without the leading zero.
            bool isBare = format[i + 1] == '-' && i + 2 < format.Length;
            i += isBare ? 2 : 1;
            string text = Field(time, format[i]);
            result.Append(isBare && text.Length > 1 ? text.TrimStart('0').PadLeft(1, '0') : text);
        }

        return result.ToString();
    }

    private static string Field(DateTimeOffset time, char field)
    {
        string? pattern = field switch
        {
            'Y' => "yyyy",
            'y' => "yy",
            'm' => "MM",
            'd' => "dd",
            'b' or 'h' => "MMM",
            'B' => "MMMM",
            'a' => "ddd",
            'A' => "dddd",
            'H' => "HH",
            'I' => "hh",
            'M' => "mm",
            'S' => "ss",
            'p' => "tt",
            'f' => "ffffff",
            'F' => "yyyy-MM-dd",
            'T' => "HH:mm:ss",
            'D' => "MM/dd/yy",
            _ => null,
        };
        return field switch
        {
            '%' => "%",
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            _ => pattern is null ? $"%{field}" : time.ToString(pattern, CultureInfo.InvariantCulture),
        };
    }
}
