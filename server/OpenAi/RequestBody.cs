using System.Runtime.InteropServices;
using System.Text.Json;

namespace MegaInfer.Server.OpenAi;

/// <summary>
/// A request's JSON object, read with types checked. An explicit null is as good as absent, as in OpenAI's API. Everything wrong ends in an
/// <see cref="ApiException"/> that names the field.
/// </summary>
internal sealed class RequestBody : IDisposable
{
    // Deeper nesting than any request has; the reader then stops before the stack does.
    private const int MaxDepth = 32;

    private const string LoneHalf = "The request body has a string with half of a surrogate pair, which is no text.";

    private readonly JsonDocument _document;

    private RequestBody(JsonDocument document) => _document = document;

    public static async Task<RequestBody> ReadAsync(HttpContext context, ApiEndpoint endpoint)
    {
        JsonDocument document;
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false };
            document = await JsonDocument.ParseAsync(context.Request.Body, options, context.RequestAborted);
        }
        catch (JsonException error)
        {
            throw ApiException.BadJson(error.LineNumber is { } line
                ? $"The request body is not valid JSON (line {line + 1}, byte {error.BytePositionInLine + 1})."
                : "The request body is not valid JSON: a name appears twice in one object, or it is nested too deep.");
        }
        catch (InvalidOperationException)
        {
            // What comparing names throws for a name that is no text.
            throw ApiException.BadJson(LoneHalf);
        }

        try
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw ApiException.BadJson($"The request body must be a JSON object, found {Describe(document.RootElement)}.");
            if (SurrogateEscapes.HasLoneHalf(JsonMarshal.GetRawUtf8Value(document.RootElement)))
                throw ApiException.BadJson(LoneHalf);
            ParameterTable.Check(document.RootElement, endpoint);
            return new RequestBody(document);
        }
        catch
        {
            document.Dispose();
            throw;
        }
    }

    public void Dispose() => _document.Dispose();

    /// <summary>The member's value; null where absent or null.</summary>
    public JsonElement? Find(string name) =>
        _document.RootElement.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public string? Text(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw ApiException.WrongType(name, "a string", Describe(value));

    public bool Flag(string name, bool absent = false) => Find(name) is not { } value ? absent
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw ApiException.WrongType(name, "true or false", Describe(value));

    public float? Number(string name) => Find(name) is { } value ? NumberOf(value, name) : null;

    public int? Integer(string name) => Find(name) is { } value ? IntegerOf(value, name) : null;

    public int? Integer(string name, int least, int most) => Integer(name) is not { } value ? null
        : value >= least && value <= most ? value
        : throw ApiException.Invalid(name, $"'{name}' must be between {least} and {most}, found {value}.");

    /// <summary>A list of token ids; empty where absent.</summary>
    public int[] TokenIds(string name) => Find(name) is { } value ? TokenIdsOf(value, name) : [];

    public static int[] TokenIdsOf(JsonElement value, string name) => value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray().Select(entry => IntegerOf(entry, name))]
        : throw ApiException.WrongType(name, "a list of token ids", Describe(value));

    public static int IntegerOf(JsonElement value, string name) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number)
        ? number
        : throw ApiException.WrongType(name, "an integer", Describe(value));

    public static float NumberOf(JsonElement value, string name) => value.ValueKind == JsonValueKind.Number
        ? value.GetSingle()
        : throw ApiException.WrongType(name, "a number", Describe(value));

    /// <summary>What a value is, for an error sentence.</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => value.GetRawText(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };
}
