using System.IO.Hashing;
using System.Text;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// Remembers digests between runs by the path, size and time of every file they came from. Only ever a shortcut: a cache that cannot be read or written is
/// as good as an empty one. Several processes may use one folder at once.
/// </summary>
public sealed class DigestCache
{
    private const long DefaultLeastBytes = 64L << 20;

    private readonly string _folder;

    /// <param name="folder">Made when first needed.</param>
    /// <param name="leastBytes">Smaller models are not remembered: their digest takes less time than it is worth.</param>
    public DigestCache(string folder, long leastBytes = DefaultLeastBytes)
    {
        _folder = folder;
        LeastBytes = leastBytes;
    }

    internal long LeastBytes { get; }

    /// <summary>The user's: $XDG_CACHE_HOME/megainfer, else ~/.cache/megainfer; null where neither is set.</summary>
    public static DigestCache? OfUser() => UserFolder() is { } folder ? new DigestCache(folder) : null;

    /// <summary>Where this program keeps what it could make again: $XDG_CACHE_HOME/megainfer, else ~/.cache/megainfer; null where neither is set.</summary>
    public static string? UserFolder()
    {
        string? root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(root) || !Path.IsPathRooted(root))
        {
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            root = home.Length == 0 ? null : Path.Combine(home, ".cache");
        }

        return root is null ? null : Path.Combine(root, "megainfer");
    }

    internal string? Find(string modelFolder, string key)
    {
        try
        {
            // The digest is the first line, all it depends on the rest.
            string[] parts = File.ReadAllText(FileOf(modelFolder)).Split('\n', 2);
            return parts.Length == 2 && parts[1] == key ? parts[0] : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    internal void Store(string modelFolder, string key, string digest)
    {
        try
        {
            Directory.CreateDirectory(_folder);
            string path = FileOf(modelFolder);
            string draft = $"{path}.{Environment.ProcessId}.{Environment.CurrentManagedThreadId}";
            File.WriteAllText(draft, $"{digest}\n{key}");
            File.Move(draft, path, overwrite: true); // whole or not at all, whoever else writes
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return;
        }
    }

    private string FileOf(string modelFolder) =>
        Path.Combine(_folder, $"digest-{Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(modelFolder)))}");
}
