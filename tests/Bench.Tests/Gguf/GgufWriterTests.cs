using CsCheck;
using MegaInfer.Bench.Gguf;
using Xunit;

namespace MegaInfer.Bench.Tests.Gguf;

public sealed class GgufWriterTests
{
    [Fact]
    public void Write_EveryKindOfMetadata_ReadsBackInOrder()
    {
        using var folder = new TemporaryFolder();
        var metadata = new GgufMetadata();
        metadata.Add("number", 3_000_000);
        metadata.Add("real", 1e-6f);
        metadata.Add("yes", true);
        metadata.Add("no", false);
        metadata.Add("text", "häß\n");
        metadata.Add("texts", ["a", "", "Ġb"]);
        metadata.Add("numbers", [1, -5]);
        metadata.Add("nothing", Array.Empty<string>());
        GgufWriter.Write(folder["file"], metadata, []);

        Dictionary<string, object> read = GgufFile.Read(folder["file"]).Metadata;

        Assert.Equal(["number", "real", "yes", "no", "text", "texts", "numbers", "nothing"], read.Keys);
        Assert.Equal([3_000_000u, 1e-6f, true, false, "häß\n"], read.Values.Take(5));
        Assert.Equal(["a", "", "Ġb"], (object[])read["texts"]);
        Assert.Equal([1, -5], (object[])read["numbers"]);
        Assert.Empty((object[])read["nothing"]);
    }

    // The reader checks every offset, the padding and the length of the file by itself.
    [Fact]
    public void Write_TensorsOfAnySize_ReadBack() => Gen.Select(Gen.Int[1, 40], Gen.Int[1, 20], Gen.Bool).Array[0, 6].Sample(shapes =>
    {
        using var folder = new TemporaryFolder();
        GgufTensor[] tensors = [.. shapes.Select((shape, i) =>
        {
            (int rows, int columns, bool isWide) = shape;
            float[][] parts = [.. Enumerable.Range(0, rows).Select(row => Enumerable.Range(0, columns).Select(column => (float)(row + (100 * column))).ToArray())];
            return new GgufTensor($"t{i}", isWide ? GgufTensorType.Float32 : GgufTensorType.BFloat16, [rows, columns], parts);
        })];
        GgufWriter.Write(folder["file"], new GgufMetadata(), tensors);

        GgufFile read = GgufFile.Read(folder["file"]);

        Assert.Equal(tensors.Select(tensor => tensor.Name), read.Tensors.Select(tensor => tensor.Name));
        foreach ((GgufTensor written, GgufFile.Tensor tensor) in tensors.Zip(read.Tensors))
        {
            Assert.Equal([written.Shape[1], written.Shape[0]], tensor.Dimensions);
            float[] expected = [.. written.Parts.SelectMany(part => part).Select(value => written.Type == GgufTensorType.Float32 ? value : Engine.Model.BFloat16.Round(value))];
            Assert.Equal(expected, read.Values(tensor.Name));
        }
    }, iter: 50);

    [Fact]
    public void Write_PartsThatDoNotFillTheShape_Throws()
    {
        using var folder = new TemporaryFolder();
        var tensor = new GgufTensor("short", GgufTensorType.Float32, [2, 3], [new float[5]]);
        Assert.Throws<InvalidOperationException>(() => GgufWriter.Write(folder["file"], new GgufMetadata(), [tensor]));
    }
}
