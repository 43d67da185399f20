using System.Text.Json;
using System.Text.Json.Serialization;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Reports;

/// <summary>A report as one JSON object: names in snake_case, absent numbers left out.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        WriteIndented = true,
    };

    internal static string ToText<TRow>(Report<TRow> report) => JsonSerializer.Serialize(report, Options);

    internal static async Task WriteAsync<TRow>(string file, Report<TRow> report)
    {
        try
        {
            await File.WriteAllTextAsync(file, ToText(report) + "\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MegaInferException($"The report cannot be written to {file}: {error.Message}", error);
        }
    }
}
