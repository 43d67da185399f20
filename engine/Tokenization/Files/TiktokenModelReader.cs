using System.Buffers.Text;
using System.Text;
using MegaInfer.Engine.Tokenization.Bpe;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>
/// Reads tiktoken.model: a line for each token, its bytes in base64 and its rank, which is its id. There are no merges in it: two neighbours merge where
/// their bytes together are a token, the lowest rank first.
/// </summary>
internal static class TiktokenModelReader
{
    // Longer than any published token; every cut of a token is looked at, so that this keeps a damaged file from costing the square of its size.
    private const int MaxTokenBytes = 1024;

    /// <param name="file">The whole file.</param>
    /// <param name="addedTokens">Called with the number of tokens; what it returns gets its bytes in the vocabulary too.</param>
    /// <exception cref="TokenizerException">A line is malformed, or the ranks are not 0, 1, 2 and so on in some order.</exception>
    public static (BpeModel Model, Vocabulary Vocabulary) Read(ReadOnlySpan<byte> file, Func<int, IReadOnlyList<AddedToken>> addedTokens)
    {
        Vocabulary vocabulary = new(file.Length);
        int count = ReadTokens(file, vocabulary);
        if (vocabulary.Count != count)
            throw new TokenizerException($"there are {count} tokens, and the highest rank is {vocabulary.Count - 1}");
        foreach (AddedToken token in addedTokens(count))
        {
            if (token.Id < count)
                throw new TokenizerException($"the added token \"{token.Content}\" has the id {token.Id}, which a token of the model has");
            vocabulary.Add(token.Id, Encoding.UTF8.GetBytes(token.Content), isFindable: false);
        }

        vocabulary.Seal();
        MergeTable merges = new();
        for (int id = 0; id < count; id++)
            AddMerges(vocabulary, id, merges);
        for (int b = 0; b < 256; b++)
        {
            if (vocabulary.Find([(byte)b]) < 0)
                throw new TokenizerException($"the byte {b} has no token");
        }

        BpeOptions options = new(IsByteLevel: true, IgnoreMerges: true, HasByteFallback: false, FuseUnknown: false, UnknownId: -1);
        return (new BpeModel(vocabulary, merges, options), vocabulary);
    }

    private static int ReadTokens(ReadOnlySpan<byte> file, Vocabulary vocabulary)
    {
        int count = 0;
        int line = 0;
        int lineCount = file.Count((byte)'\n') + 1;
        byte[] token = new byte[MaxTokenBytes];
        foreach (Range range in file.Split((byte)'\n'))
        {
            line++;
            ReadOnlySpan<byte> text = file[range].Trim(" \t\r"u8);
            if (text.IsEmpty)
                continue;
            int space = text.IndexOf((byte)' ');
            if (space < 0)
                throw new TokenizerException($"line {line} is not a token in base64, a space and a rank");
            ReadOnlySpan<byte> rank = text[(space + 1)..];
            if (Base64.DecodeFromUtf8(text[..space], token, out _, out int length) != System.Buffers.OperationStatus.Done || length == 0)
                throw new TokenizerException($"line {line} has a token that is not base64 of 1 to {MaxTokenBytes} bytes");
            if (!Utf8Parser.TryParse(rank, out int id, out int consumed) || consumed != rank.Length)
                throw new TokenizerException($"line {line} has a rank that is not a whole number");
            if (id < 0 || id >= lineCount)
                throw new TokenizerException($"line {line} has the rank {id} in a file of {lineCount} lines; ranks are 0, 1, 2 and so on");
            if (!vocabulary.Bytes(id).IsEmpty)
                throw new TokenizerException($"line {line} has the rank {id}, which another line has too");
            vocabulary.Add(id, token.AsSpan(0, length), isFindable: true);
            count++;
        }

        return count;
    }

    private static void AddMerges(Vocabulary vocabulary, int id, MergeTable merges)
    {
        ReadOnlySpan<byte> bytes = vocabulary.Bytes(id);
        // Of two tokens with the same bytes only one can be found; the other is never made.
        if (bytes.Length < 2 || vocabulary.Find(bytes) != id)
            return;
        for (int cut = 1; cut < bytes.Length; cut++)
        {
            int left = vocabulary.Find(bytes[..cut]);
            int right = left < 0 ? -1 : vocabulary.Find(bytes[cut..]);
            if (right >= 0)
                merges.Add(left, right, rank: id, id);
        }
    }
}
