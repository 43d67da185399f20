using System.Text.Json;

namespace MegaInfer.Server.OpenAi;

/// <summary>One parameter of the HTTP API and what becomes of it.</summary>
/// <param name="Name">As clients spell it.</param>
/// <param name="Endpoints">Where it is known; elsewhere it is an unknown parameter.</param>
/// <param name="Verdict">What becomes of it.</param>
/// <param name="Note">For people: what it does, why it is refused, or which values pass.</param>
internal sealed record Parameter(string Name, ApiEndpoint Endpoints, ParameterVerdict Verdict, string Note)
{
    /// <summary>Refused parameters: the values that ask for nothing and so pass. Null always passes.</summary>
    public Func<JsonElement, bool> Passes { get; init; } = _ => false;
}
