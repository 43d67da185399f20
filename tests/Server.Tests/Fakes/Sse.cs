using System.Text.Json;
using Xunit;

namespace MegaInfer.Server.Tests.Fakes;

/// <summary>Reads server-sent events strictly: what is not exactly as it should be fails the test.</summary>
internal static class Sse
{
    /// <summary>Every event but the last, which must be [DONE].</summary>
    public static async IAsyncEnumerable<JsonElement> ReadAsync(HttpResponseMessage response)
    {
        using (response)
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            while (true)
            {
                string? line = await reader.ReadLineAsync();
                Assert.NotNull(line);
                Assert.StartsWith("data: ", line, StringComparison.Ordinal);
                Assert.Equal("", await reader.ReadLineAsync());
                string data = line["data: ".Length..];
                if (data == "[DONE]")
                    break;
                yield return JsonDocument.Parse(data).RootElement;
            }

            Assert.Null(await reader.ReadLineAsync());
        }
    }
}
