using System.Text;
using System.Text.Json;
using MegaInfer.Engine.Tokenization.Bpe;
using MegaInfer.Engine.Tokenization.Files;
using MegaInfer.Engine.Tokenization.Normalizers;
using MegaInfer.Engine.Tokenization.PreTokenizers;

namespace MegaInfer.Engine.Tokenization;

/// <summary>
/// Text to token ids and back, as the model folder's tokenizer.json says. Immutable after loading; any thread may use it.
/// </summary>
public sealed class Tokenizer
{
    private readonly BpeModel _model;
    private readonly Normalizer? _normalizer;
    private readonly PreTokenizer? _preTokenizer;
    private readonly TokenDecoder _decoder;
    private readonly Dictionary<string, AddedToken> _addedByText = [];
    private readonly HashSet<int> _specialIds = [];
    private readonly AddedTokenMatcher _rawTokens;
    private readonly AddedTokenMatcher _normalizedTokens;
    private readonly AddedTokenMatcher _rawPlainTokens;
    private readonly AddedTokenMatcher _normalizedPlainTokens;
    private readonly int[] _before;
    private readonly int[] _after;

    private Tokenizer(TokenizerFile file, string folder, JsonElement config)
    {
        _model = file.Model;
        _normalizer = file.Normalizer;
        _preTokenizer = file.PreTokenizer;
        _decoder = file.Decoder;
        VocabSize = file.Vocabulary.Count;
        foreach (AddedToken token in file.AddedTokens)
        {
            _addedByText[token.Content] = token;
            if (token.IsSpecial)
                _specialIds.Add(token.Id);
        }

        _rawTokens = Matcher(file.AddedTokens, isNormalized: false);
        _normalizedTokens = Matcher(file.AddedTokens, isNormalized: true);
        AddedToken[] plain = [.. file.AddedTokens.Where(token => !token.IsControl)];
        _rawPlainTokens = Matcher(plain, isNormalized: false);
        _normalizedPlainTokens = Matcher(plain, isNormalized: true);

        SpecialTokenReader special = new(
            folder, config, text => _addedByText.TryGetValue(text, out AddedToken? token) ? token.Id : file.Vocabulary.Find(Encoding.UTF8.GetBytes(text)));
        BosId = special.BosId;
        EosIds = special.EosIds;
        (_before, _after) = PostProcessorReader.Read(file.PostProcessor);
        if (_before.Length == 0 && BosId is int bos && AddsBosByClass(config))
            _before = [bos];
    }

    /// <summary>One more than the highest token id. A model's logits may be wider; the ids beyond stand for no text.</summary>
    public int VocabSize { get; }

    /// <summary>The id that begins a text, where the model has one.</summary>
    public int? BosId { get; }

    /// <summary>The ids that end a generation.</summary>
    public IReadOnlyList<int> EosIds { get; }

    internal int LeadingSpaces => _decoder.LeadingSpaces;

    /// <summary>
    /// Loads the tokenizer of a Hugging Face model folder: tokenizer.json, or tiktoken.model where there is none, and the small files beside it.
    /// </summary>
    /// <exception cref="TokenizerException">A file is missing, damaged or asks for something not supported; one sentence.</exception>
    public static Tokenizer Load(string modelFolder)
    {
        JsonElement config = ModelFolder.ReadJson(modelFolder, "tokenizer_config.json");
        string path = Path.Combine(modelFolder, TokenizerFile.FileName);
        if (File.Exists(path))
            return Load(path, modelFolder, config, bytes => TokenizerFile.Read(bytes, config));
        path = Path.Combine(modelFolder, TiktokenFolder.FileName);
        return File.Exists(path)
            ? Load(path, modelFolder, config, bytes => TiktokenFolder.Read(bytes, config))
            : throw new TokenizerException($"{modelFolder} has neither {TokenizerFile.FileName} nor {TiktokenFolder.FileName}; give a model folder that has one.");
    }

    private static Tokenizer Load(string path, string modelFolder, JsonElement config, Func<byte[], TokenizerFile> read)
    {
        try
        {
            return new Tokenizer(read(File.ReadAllBytes(path)), modelFolder, config);
        }
        catch (TokenizerException failure)
        {
            throw new TokenizerException($"{path} cannot be used: {failure.Message}.", failure);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException($"{path} cannot be read: {failure.Message}", failure);
        }
    }

    /// <summary>The ids of a text. Halves of surrogate pairs that stand alone count as U+FFFD.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="addSpecialTokens">Adds what the model wants around a text, such as the begin token.</param>
    /// <param name="parseSpecial">
    /// Whether "&lt;|im_start|&gt;" and its like in the text become those tokens. True for the output of a chat template, where, as
    /// everywhere with Hugging Face templates, it also holds for what users wrote inside. False for plain text from users:
    /// then every added token but runs of white space is ordinary text.
    /// </param>
    public int[] Encode(string text, bool addSpecialTokens, bool parseSpecial)
    {
        List<int> ids = new(text.Length / 3 + 8);
        if (addSpecialTokens)
            ids.AddRange(_before);
        PieceEncoder encoder = new(_model, _preTokenizer, ids);
        AddedTokenMatcher normalizedTokens = parseSpecial ? _normalizedTokens : _normalizedPlainTokens;
        bool isTextStart = true;
        (parseSpecial ? _rawTokens : _rawPlainTokens).Split(ValidText(text).AsMemory(), (section, token) =>
        {
            if (token is not null)
                ids.Add(token.Id);
            else
                EncodeSection(section, normalizedTokens, encoder, ids, isTextStart);
            isTextStart = false;
        });
        if (addSpecialTokens)
            ids.AddRange(_after);
        return [.. ids];
    }

    /// <summary>The text of the ids. Bytes that are not UTF-8 become U+FFFD; ids that no token has add nothing.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecial)
    {
        IncrementalDetokenizer detokenizer = new(this, skipSpecial);
        StringBuilder text = new();
        foreach (int id in ids)
            text.Append(detokenizer.Append(id));
        return text.Append(detokenizer.Flush()).ToString();
    }

    /// <summary>The text of one token; U+FFFD stands for bytes that are only part of a character.</summary>
    public string TokenText(int id) => Encoding.UTF8.GetString(TokenBytes(id).Span);

    /// <summary>The bytes that a token adds to the text; empty for an id that no token has.</summary>
    public ReadOnlyMemory<byte> TokenBytes(int id) => _decoder.Bytes(id);

    /// <summary>Whether a decode that skips special tokens leaves this one out.</summary>
    public bool IsSpecial(int id) => _specialIds.Contains(id);

    /// <summary>The id of an added token such as "&lt;|im_end|&gt;", or null.</summary>
    public int? AddedTokenId(string text) => _addedByText.TryGetValue(text, out AddedToken? token) ? token.Id : null;

    private void EncodeSection(ReadOnlyMemory<char> section, AddedTokenMatcher matcher, PieceEncoder encoder, List<int> ids, bool isTextStart)
    {
        if (_normalizer is not null)
            section = _normalizer.Normalize(section.ToString()).AsMemory();
        matcher.Split(section, (part, token) =>
        {
            if (token is not null)
                ids.Add(token.Id);
            else
                encoder.Encode(part, isTextStart);
            isTextStart = false;
        });
    }

    private AddedTokenMatcher Matcher(IEnumerable<AddedToken> tokens, bool isNormalized) => new(
        tokens.Where(token => token.IsNormalized == isNormalized)
            .Select(token => (isNormalized && _normalizer is not null ? _normalizer.Normalize(token.Content) : token.Content, token)));

    // For the Llama classes, transformers itself puts the begin token in front, whatever tokenizer.json says (DeepSeek).
    private static bool AddsBosByClass(JsonElement config) =>
        config.Flag("add_bos_token") && config.Text("tokenizer_class") is "LlamaTokenizer" or "LlamaTokenizerFast";

    private static string ValidText(string text)
    {
        foreach (char c in text)
        {
            if (char.IsSurrogate(c))
                return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        }

        return text;
    }
}
