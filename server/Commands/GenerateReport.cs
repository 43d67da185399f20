using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MegaInfer.Engine.Requests;
using MegaInfer.Server.Hosting;
using MegaInfer.Server.Streaming;

namespace MegaInfer.Server.Commands;

/// <summary>What <c>generate</c> got.</summary>
internal sealed class GenerateReport
{
    private readonly StringBuilder _text = new();
    private readonly List<GeneratedToken> _tokens = [];
    private readonly TextStream _stream;

    private GenerateReport(TextStream stream) => _stream = stream;

    /// <summary>Reads to the end, writing the text as it comes.</summary>
    public static async Task<GenerateReport> ReadAsync(TextStream stream, TextWriter output, CancellationToken cancel)
    {
        var report = new GenerateReport(stream);
        await foreach (TextChunk chunk in stream.ReadAsync(cancel))
        {
            report._text.Append(chunk.Text);
            report._tokens.AddRange(chunk.Tokens);
            await output.WriteAsync(chunk.Text);
            await output.FlushAsync(cancel);
        }

        return report;
    }

    /// <summary>One object: model, numerics_id, seed, prompt_token_ids, token_ids, log_probs, text, finish_reason.</summary>
    public string ToJson(ServerParts parts)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("model", parts.Model.Name);
            json.WriteString("numerics_id", parts.Cluster.Current.NumericsIds.GetValueOrDefault(Engine.Cluster.NodeRole.Attention, ""));
            json.WriteNumber("seed", _stream.Request.Sampling.Seed);
            json.WriteStartArray("prompt_token_ids");
            foreach (int id in _stream.Request.PromptTokens.Span)
                json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteStartArray("token_ids");
            foreach (GeneratedToken token in _tokens)
                json.WriteNumberValue(token.Id);
            json.WriteEndArray();
            json.WriteStartArray("log_probs");
            foreach (GeneratedToken token in _tokens)
                json.WriteNumberValue(token.LogProb);
            json.WriteEndArray();
            json.WriteString("text", _text.ToString());
            json.WriteString("finish_reason", _stream.End.Reason.ToString().ToLowerInvariant());
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
