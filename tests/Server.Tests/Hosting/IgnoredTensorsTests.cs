using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.Hosting;

public sealed class IgnoredTensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("megainfer-ignored-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Start_KnownExtras_AreNamedInOneLine()
    {
        const string extra = "model.layers.0.self_attn.rotary_emb.inv_freq";
        foreach (string file in Directory.GetFiles(TestModel.Folder))
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        File.Move(Path.Combine(_folder, "model.safetensors"), Path.Combine(_folder, "a.safetensors"));
        SafetensorsWriter.Write(Path.Combine(_folder, "b.safetensors"), [new TensorSpec(extra, 4)], NumberType.Float32, (_, _, values) => values.Clear());
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "model.safetensors.index.json"), $$$"""{"weight_map":{"model.norm.weight":"a.safetensors","{{{extra}}}":"b.safetensors"}}""");

        await using TestServer server = await TestServer.StartAsync(folder: _folder);

        Assert.Single(server.Log.Split('\n'), line => line.Contains("tensors that are ignored: 1 rope frequencies", StringComparison.Ordinal));
    }
}
