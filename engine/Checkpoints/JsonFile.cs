using System.Text.Json;
using System.Text.Unicode;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Reads one small JSON file of a model folder.</summary>
internal static class JsonFile
{
    /// <summary>An index of 200,000 tensors is about 20 MB; nothing honest is larger.</summary>
    private const long MaximumBytes = 64L * 1024 * 1024;

    /// <exception cref="CheckpointException">Missing, unreadable, too large, or no JSON object.</exception>
    public static JsonDocument ReadObject(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (stream.Length > MaximumBytes)
                throw new CheckpointException($"{path} has {stream.Length} bytes, more than the {MaximumBytes} that such a file may have.");
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return ParseObject(path, bytes);
        }
        catch (FileNotFoundException exception)
        {
            throw new CheckpointException($"{path} is missing; a model folder needs it.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path} cannot be read: {exception.Message}", exception);
        }
    }

    /// <exception cref="CheckpointException">No JSON object in UTF-8.</exception>
    internal static JsonDocument ParseObject(string path, byte[] bytes)
    {
        if (!Utf8.IsValid(bytes))
            throw new CheckpointException($"{path} is not valid UTF-8 text.");
        try
        {
            ReadOnlyMemory<byte> text = bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsMemory(3) : bytes;
            JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 64 });
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document;
            document.Dispose();
            throw new CheckpointException($"{path} is not a JSON object.");
        }
        catch (JsonException exception)
        {
            throw new CheckpointException(
                $"{path} is not valid JSON (line {exception.LineNumber + 1}, byte {exception.BytePositionInLine}).", exception);
        }
    }
}
