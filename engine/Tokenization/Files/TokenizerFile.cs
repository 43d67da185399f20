using System.Text.Json;
using MegaInfer.Engine.Tokenization.Bpe;
using MegaInfer.Engine.Tokenization.Normalizers;
using MegaInfer.Engine.Tokenization.PreTokenizers;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>What tokenizer.json, or what stands in its place, says, ready to use.</summary>
internal sealed record TokenizerFile(
    BpeModel Model,
    Vocabulary Vocabulary,
    IReadOnlyList<AddedToken> AddedTokens,
    Normalizer? Normalizer,
    PreTokenizer? PreTokenizer,
    TokenDecoder Decoder,
    JsonElement? PostProcessor)
{
    public const string FileName = "tokenizer.json";

    /// <summary>Reads the file.</summary>
    /// <param name="file">Content of tokenizer.json.</param>
    /// <param name="config">Content of tokenizer_config.json; may add tokens.</param>
    /// <exception cref="TokenizerException">The file says something that cannot be honoured; the message does not name the file.</exception>
    /// <exception cref="JsonException">The file is not JSON.</exception>
    public static TokenizerFile Read(ReadOnlyMemory<byte> file, JsonElement config)
    {
        if (file.Span.StartsWith("\uFEFF"u8))
            file = file[3..];
        Dictionary<string, JsonElement> parts = [];
        int modelStart = -1;
        Utf8JsonReader reader = new(file.Span);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw new TokenizerException("the file is not a JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            if (name == "model")
            {
                modelStart = (int)reader.TokenStartIndex;
                reader.Skip();
            }
            else
            {
                parts[name] = JsonElement.ParseValue(ref reader);
            }
        }

        if (modelStart < 0)
            throw new TokenizerException("there is no \"model\"");
        JsonElement? Part(string name) => parts.TryGetValue(name, out JsonElement part) && part.ValueKind != JsonValueKind.Null ? part : null;
        bool isByteLevel = PreTokenizerReader.IsByteLevel(Part("pre_tokenizer")) || PreTokenizerReader.IsByteLevel(Part("normalizer"))
            || PreTokenizerReader.IsByteLevel(Part("decoder"));
        List<AddedToken> addedTokens = AddedTokenReader.Read(Part("added_tokens"), config);
        (BpeModel model, Vocabulary vocabulary) = BpeModelReader.Read(file, modelStart, isByteLevel, addedTokens);
        return new TokenizerFile(
            model,
            vocabulary,
            addedTokens,
            NormalizerReader.Read(Part("normalizer")),
            PreTokenizerReader.Read(Part("pre_tokenizer")),
            DecoderReader.Read(Part("decoder"), vocabulary, addedTokens),
            Part("post_processor"));
    }
}
