using System.Text.Json;
using MegaInfer.Engine;
using MegaInfer.Engine.Model;

namespace MegaInfer.Server.Commands;

/// <summary><see cref="Inspection"/> for programs.</summary>
internal static class InspectionJson
{
    /// <exception cref="MegaInferException">The file cannot be written.</exception>
    public static void Write(string path, Inspection inspection)
    {
        try
        {
            using FileStream stream = File.Create(path);
            using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            Write(json, inspection);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new MegaInferException($"--json {path} cannot be written: {exception.Message}", exception);
        }
    }

    private static void Write(Utf8JsonWriter json, Inspection inspection)
    {
        json.WriteStartObject();
        json.WriteString("model", inspection.Name);
        json.WriteString("family", inspection.Spec.Family);
        json.WriteStartObject("architecture");
        foreach ((string label, string text) in ArchitectureText.Lines(inspection.Spec))
            json.WriteString(label, text);
        json.WriteEndObject();
        WriteParameters(json, inspection.Parameters);
        json.WriteStartObject("weight_bytes");
        json.WriteNumber("attention", inspection.Stored.Attention);
        json.WriteNumber("experts", inspection.Stored.Experts);
        json.WriteBoolean("weights_are_there", inspection.Found is not null);
        json.WriteEndObject();
        json.WriteStartObject("kv_cache");
        json.WriteString("type", inspection.Nodes.KvType.ShortName());
        json.WriteNumber("bytes_per_token", inspection.KvBytesPerToken);
        json.WriteNumber("bytes_of_context", inspection.KvBytesOfContext);
        json.WriteEndObject();
        WritePool(json, inspection);
        json.WriteString("ignored", inspection.Found?.Ignored);
        json.WriteString("digest", inspection.Found?.Digest);
        json.WriteEndObject();
    }

    private static void WriteParameters(Utf8JsonWriter json, ParameterCounts parameters)
    {
        json.WriteStartObject("parameters");
        json.WriteNumber("total", parameters.Total);
        json.WriteNumber("total_without_embeddings", parameters.TotalWithoutEmbeddings);
        json.WriteNumber("active", parameters.Active);
        json.WriteNumber("active_with_embedding", parameters.ActiveWithEmbedding);
        json.WriteNumber("active_without_embeddings", parameters.ActiveWithoutEmbeddings);
        json.WriteNumber("embedding", parameters.Embedding);
        json.WriteNumber("lm_head", parameters.LmHead);
        json.WriteNumber("routed_experts", parameters.Routed);
        json.WriteEndObject();
    }

    private static void WritePool(Utf8JsonWriter json, Inspection inspection)
    {
        json.WriteStartObject("pool");
        json.WriteString("weight_type", inspection.Nodes.WeightType?.ShortName() ?? "auto");
        json.WriteNumber("attention_nodes", inspection.Nodes.AttentionNodes);
        json.WriteNumber("attention_node_weight_bytes", inspection.AttentionNodeBytes);
        json.WriteNumber("expert_nodes", inspection.Nodes.ExpertNodes);
        json.WriteNumber("expert_node_weight_bytes", inspection.ExpertNodeBytes);
        json.WriteNumber("experts_of_node", inspection.ExpertsOfNode);
        json.WriteEndObject();
    }
}
