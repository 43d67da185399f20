using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.OpenAi;

/// <summary>The id of each request: the client's own, or a new one; on the answer in any case.</summary>
internal static class RequestIds
{
    private const string Header = "X-Request-Id";
    private const int MaxLength = 128;

    public static string Of(HttpContext context) => context.TraceIdentifier;

    /// <summary>Called once, first.</summary>
    /// <exception cref="ApiException">The client's id cannot stand in a header.</exception>
    public static void Assign(HttpContext context, IdentitySource identities)
    {
        string given = context.Request.Headers[Header].ToString();
        bool isUsable = given.Length is > 0 and <= MaxLength && given.All(character => character is > ' ' and < (char)127);
        context.TraceIdentifier = isUsable ? given : identities.NextRequestId();
        context.Response.Headers[Header] = context.TraceIdentifier;
        if (!isUsable && given.Length > 0)
            throw ApiException.Invalid(Header, $"The header {Header} must have 1 to {MaxLength} printable ASCII characters without spaces.");
    }
}
