using System.IO.Hashing;
using System.Text;
using MegaInfer.Server.Cluster;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.OpenAi;

/// <summary>What stands in front of every answer and every chunk of it.</summary>
/// <param name="Id">The request's id behind the endpoint's prefix.</param>
/// <param name="Created">Unix seconds.</param>
/// <param name="Model">The served model.</param>
/// <param name="Fingerprint">Answers with the same one come from the same weights with the same numerics: the same request and seed give the same bits.</param>
internal sealed record AnswerHeader(string Id, long Created, string Model, string Fingerprint)
{
    public static AnswerHeader Of(HttpContext context, ServerParts parts, string prefix) => new(
        $"{prefix}-{RequestIds.Of(context)}", parts.Time.GetUtcNow().ToUnixTimeSeconds(), parts.Model.Name, FingerprintOf(parts));

    private static string FingerprintOf(ServerParts parts)
    {
        Membership membership = parts.Cluster.Current;
        string digest = parts.Model.Digest.IsCompletedSuccessfully ? parts.Model.Digest.Result : "";
        string numerics = string.Join(';', membership.NumericsIds.OrderBy(pool => pool.Key).Select(pool => pool.Value));
        return $"fp_{XxHash64.HashToUInt64(Encoding.UTF8.GetBytes($"{digest};{numerics}")):x16}";
    }
}
