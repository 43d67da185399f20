using System.Globalization;
using MegaInfer.Engine;

namespace MegaInfer.Server.Commands;

/// <summary>Reads <c>--tokens 1,2,3</c>.</summary>
internal static class TokenList
{
    /// <exception cref="MegaInferException">Something in it is not a token id.</exception>
    public static int[] Parse(string text) =>
        [.. text.Split(',', StringSplitOptions.TrimEntries).Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
            ? id
            : throw new MegaInferException($"--tokens has '{part}', which is not a token id; write ids with commas, such as 1,2,3."))];
}
