using MegaInfer.Engine;

namespace MegaInfer.Server.Hosting;

/// <summary>Finds the folder that <c>--model</c> means: a folder, or the name of the embedded model.</summary>
internal static class ModelFolders
{
    public const string EmbeddedName = "megainfer-mini";

    /// <summary>The folder's full path and the name that clients use: the folder's own.</summary>
    /// <param name="model">What the flag says.</param>
    /// <param name="serverFolder">Where the server's executable is.</param>
    /// <exception cref="MegaInferException">There is no such folder.</exception>
    public static (string Folder, string Name) Resolve(string model, string serverFolder)
    {
        if (Directory.Exists(model))
        {
            string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(model));
            return (folder, Path.GetFileName(folder));
        }

        if (model == EmbeddedName && FindEmbedded(serverFolder) is { } embedded)
            return (embedded, EmbeddedName);
        throw new MegaInferException($"The model folder {model} does not exist; give --model a Hugging Face folder, or leave it out for the embedded model {EmbeddedName}.");
    }

    /// <summary>models/megainfer-mini beside the executable or in a folder above it (the repository's root).</summary>
    private static string? FindEmbedded(string serverFolder)
    {
        for (DirectoryInfo? folder = new(serverFolder); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "models", EmbeddedName);
            if (File.Exists(Path.Combine(candidate, "config.json")))
                return candidate;
        }

        return null;
    }
}
