using System.Text;
using System.Text.Json;
using MegaInfer.Engine.Tokenization.Bpe;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>
/// Reads the "model" of tokenizer.json straight from its bytes: with up to 200,000 tokens and 450,000 merges it is nearly
/// all of the file, and a document tree of it would cost more time and memory than everything else.
/// </summary>
internal sealed class BpeModelReader
{
    private readonly ReadOnlyMemory<byte> _file;
    private readonly bool _isByteLevel;
    private readonly MergeTable _merges = new();
    private byte[] _left = new byte[256];
    private byte[] _right = new byte[256];
    private byte[] _joined = new byte[256];

    private BpeModelReader(ReadOnlyMemory<byte> file, bool isByteLevel)
    {
        _file = file;
        _isByteLevel = isByteLevel;
    }

    /// <param name="file">The whole file.</param>
    /// <param name="modelStart">Where the model's '{' stands.</param>
    /// <param name="isByteLevel">Tokens are written in the byte alphabet.</param>
    /// <param name="addedTokens">Get their bytes in the vocabulary too.</param>
    public static (BpeModel Model, Vocabulary Vocabulary) Read(
        ReadOnlyMemory<byte> file, int modelStart, bool isByteLevel, IReadOnlyList<AddedToken> addedTokens) =>
        new BpeModelReader(file, isByteLevel).Read(modelStart, addedTokens);

    private (BpeModel Model, Vocabulary Vocabulary) Read(int modelStart, IReadOnlyList<AddedToken> addedTokens)
    {
        Vocabulary? vocabulary = null;
        bool hasMerges = false;
        int mergesStart = -1;
        string? unknownToken = null;
        (bool ignoreMerges, bool byteFallback, bool fuseUnknown) = (false, false, false);
        Utf8JsonReader reader = ReaderAt(modelStart);
        Expect(reader, JsonTokenType.StartObject);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            switch (name)
            {
                case "vocab":
                    vocabulary = ReadVocabulary(ref reader, addedTokens);
                    break;
                case "merges" when vocabulary is null:
                    // Merges name tokens: they have to wait.
                    mergesStart = modelStart + (int)reader.TokenStartIndex;
                    reader.Skip();
                    break;
                case "merges":
                    hasMerges = true;
                    ReadMerges(ref reader, vocabulary);
                    break;
                case "type" when reader.GetString() != "BPE":
                    throw new TokenizerException($"the tokenizer model \"{reader.GetString()}\" is not supported (BPE is)");
                case "unk_token":
                    unknownToken = reader.GetString();
                    break;
                case "continuing_subword_prefix" or "end_of_word_suffix" when !string.IsNullOrEmpty(reader.GetString()):
                    throw new TokenizerException($"\"{name}\" is not supported");
                case "ignore_merges":
                    ignoreMerges = reader.TokenType == JsonTokenType.True;
                    break;
                case "byte_fallback":
                    byteFallback = reader.TokenType == JsonTokenType.True;
                    break;
                case "fuse_unk":
                    fuseUnknown = reader.TokenType == JsonTokenType.True;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (vocabulary is null || (mergesStart < 0 && !hasMerges))
            throw new TokenizerException("the model has no \"vocab\" or no \"merges\"");
        if (mergesStart >= 0)
        {
            reader = ReaderAt(mergesStart);
            ReadMerges(ref reader, vocabulary);
        }

        int unknownId = unknownToken is null ? -1 : vocabulary.Find(Encoding.UTF8.GetBytes(unknownToken));
        return (new BpeModel(vocabulary, _merges, new BpeOptions(_isByteLevel, ignoreMerges, byteFallback, fuseUnknown, unknownId)), vocabulary);
    }

    private Vocabulary ReadVocabulary(ref Utf8JsonReader reader, IReadOnlyList<AddedToken> addedTokens)
    {
        Vocabulary vocabulary = new(_file.Length);
        Expect(reader, JsonTokenType.StartObject);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            int length = Copy(ref reader, ref _left);
            bool isFindable = Decode(ref _left, ref length);
            if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int id))
                throw new TokenizerException($"the id of the token \"{Encoding.UTF8.GetString(_left, 0, length)}\" is not a whole number");
            vocabulary.Add(id, _left.AsSpan(0, length), isFindable);
        }

        int modelCount = vocabulary.Count;
        foreach (AddedToken token in addedTokens)
        {
            if (token.Id >= modelCount || vocabulary.Bytes(token.Id).IsEmpty)
                vocabulary.Add(token.Id, Encoding.UTF8.GetBytes(token.Content), isFindable: false);
        }

        vocabulary.Seal();
        return vocabulary;
    }

    private void ReadMerges(ref Utf8JsonReader reader, Vocabulary vocabulary)
    {
        Expect(reader, JsonTokenType.StartArray);
        int rank = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            int left;
            int right;
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                left = CopyNext(ref reader, ref _left);
                right = CopyNext(ref reader, ref _right);
                if (!reader.Read() || reader.TokenType != JsonTokenType.EndArray)
                    throw new TokenizerException($"merge {rank} is not a pair of tokens");
            }
            else
            {
                left = Copy(ref reader, ref _left);
                int space = _left.AsSpan(0, left).IndexOf((byte)' ');
                if (space < 0)
                    throw new TokenizerException($"merge {rank} is not a pair of tokens");
                right = left - space - 1;
                Reserve(ref _right, right);
                _left.AsSpan(space + 1, right).CopyTo(_right);
                left = space;
            }

            AddMerge(vocabulary, rank++, left, right);
        }
    }

    private void AddMerge(Vocabulary vocabulary, int rank, int left, int right)
    {
        Decode(ref _left, ref left);
        Decode(ref _right, ref right);
        Reserve(ref _joined, left + right);
        _left.AsSpan(0, left).CopyTo(_joined);
        _right.AsSpan(0, right).CopyTo(_joined.AsSpan(left));
        int leftId = vocabulary.Find(_left.AsSpan(0, left));
        int rightId = vocabulary.Find(_right.AsSpan(0, right));
        int id = vocabulary.Find(_joined.AsSpan(0, left + right));
        if (leftId < 0 || rightId < 0 || id < 0)
            throw new TokenizerException($"merge {rank} joins or gives a token that is not in the vocabulary");
        _merges.Add(leftId, rightId, rank, id);
    }

    // Turns a token of the byte alphabet into its bytes, in place; false if it is not written in that alphabet.
    private bool Decode(ref byte[] token, ref int length)
    {
        if (!_isByteLevel)
            return true;
        // Decoding only ever shrinks, and reads ahead of where it writes.
        if (!ByteAlphabet.IsEncoded(token.AsSpan(0, length)))
            return false;
        length = ByteAlphabet.Decode(token.AsSpan(0, length), token);
        return true;
    }

    private static int CopyNext(ref Utf8JsonReader reader, ref byte[] buffer)
    {
        if (!reader.Read())
            throw new TokenizerException("the merges end early");
        return Copy(ref reader, ref buffer);
    }

    private static int Copy(ref Utf8JsonReader reader, ref byte[] buffer)
    {
        if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName))
            throw new TokenizerException("a token of the model is not a string");
        Reserve(ref buffer, reader.ValueSpan.Length);
        return reader.CopyString(buffer);
    }

    private static void Reserve(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
            Array.Resize(ref buffer, Math.Max(length, buffer.Length * 2));
    }

    private Utf8JsonReader ReaderAt(int start)
    {
        Utf8JsonReader reader = new(_file.Span[start..]);
        reader.Read();
        return reader;
    }

    private static void Expect(in Utf8JsonReader reader, JsonTokenType expected)
    {
        if (reader.TokenType != expected)
            throw new TokenizerException("the model, its \"vocab\" or its \"merges\" has the wrong JSON type");
    }
}
