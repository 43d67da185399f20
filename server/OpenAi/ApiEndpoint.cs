namespace MegaInfer.Server.OpenAi;

/// <summary>The endpoints that take parameters.</summary>
[Flags]
internal enum ApiEndpoint
{
    Chat = 1,
    Completions = 2,
    Tokenize = 4,
    Detokenize = 8,
    Generation = Chat | Completions,
}
