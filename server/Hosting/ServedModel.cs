using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Server.Hosting;

/// <summary>The model that is served: its description at once, its text side and its digest as soon as they are read. Immutable; any thread.</summary>
internal sealed class ServedModel
{
    private ServedModel(string name, Checkpoint checkpoint, DateTimeOffset loadedAt)
    {
        Name = name;
        Folder = checkpoint.Folder;
        Spec = checkpoint.Spec;
        Ignored = checkpoint.Ignored;
        LoadedAt = loadedAt;
        Text = Task.Run(() => ModelText.Load(Folder));
        Digest = Task.Run(() =>
        {
            using (checkpoint)
                return ModelDigest.Of(checkpoint);
        });
    }

    /// <summary>The name that clients use.</summary>
    public string Name { get; }

    public string Folder { get; }

    public ModelSpec Spec { get; }

    /// <summary>Tensors of the folder that the model does not compute with, in words; null: none.</summary>
    public string? Ignored { get; }

    public DateTimeOffset LoadedAt { get; }

    /// <summary>Tokenizer, chat template and defaults; loaded while nodes start.</summary>
    public Task<ModelText> Text { get; }

    /// <summary>Which model it is; every node must say the same.</summary>
    public Task<string> Digest { get; }

    /// <summary>Opens the folder: every header is checked here, and what takes longer goes on in the background.</summary>
    /// <exception cref="Engine.MegaInferException">The folder cannot be used.</exception>
    public static ServedModel Open(string model, string serverFolder, TimeProvider time)
    {
        (string folder, string name) = ModelFolders.Resolve(model, serverFolder);
        return new ServedModel(name, Checkpoint.Open(folder), time.GetUtcNow());
    }
}
