using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>FP8 and 4-bit folders, right and with one thing wrong.</summary>
public sealed class QuantizedFolderTests : IDisposable
{
    private const string Matrix = "model.layers.0.self_attn.o_proj.weight";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_Float8_TellsEachTensorByItsStoredType()
    {
        Write("deepseek_v3", NumberType.Float8E4M3);
        Rewrite(header => header.Replace($"\"{Matrix}\":{{\"dtype\":\"F8_E4M3\"", $"\"{Matrix}\":{{\"dtype\":\"U8\""));
        AssertSentence(Matrix, "BF16, F16, F32 or F8_E4M3", "found U8");

        Rewrite(header => header.Replace($"\"{Matrix}\":{{\"dtype\":\"U8\"", $"\"{Matrix}\":{{\"dtype\":\"F8_E4M3\""));
        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);
        Assert.Equal(NumberType.Float8E4M3, checkpoint.Layer(0).Output().Type);
        Assert.Equal(NumberType.BFloat16, checkpoint.Layer(1).Router().Type);
        Assert.Equal(NumberType.Float32, checkpoint.Tensor(Matrix + "_scale_inv").NumberType);
    }

    [Fact]
    public void Open_Float8WithoutItsScales_NamesThem()
    {
        Write("mixtral", NumberType.Float8E4M3);
        Rewrite(header => header.Replace(Matrix + "_scale_inv", Matrix + "_scale"));

        AssertSentence(Matrix + "_scale_inv", "lacks", "[1, 1]");
    }

    [Fact]
    public void Open_Float8ThatTheConfigDoesNotMention_IsRefused()
    {
        Write("mixtral", NumberType.Float8E4M3);
        string config = File.ReadAllText(_folder["config.json"]);
        File.WriteAllText(_folder["config.json"], config.Replace("quantization_config", "other_config"));

        AssertSentence("should be of type BF16, F16 or F32, found F8_E4M3");
    }

    [Fact]
    public void Open_PlainMatrixInAFloat8Folder_NeedsNoScales()
    {
        Write("mixtral", null);
        string config = File.ReadAllText(_folder["config.json"]);
        const string quantization = "\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[128,128]},";
        File.WriteAllText(_folder["config.json"], config.Insert(config.IndexOf('{') + 1, quantization));

        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);

        Assert.Equal(NumberType.BFloat16, checkpoint.StoredType);
        Assert.Null(checkpoint.Layer(0).Output().Scales);
    }

    [Fact]
    public void Scales_InBFloat16_AreShownAsFloat32()
    {
        Write("mixtral", NumberType.Float8E4M3);
        // The file's own scale becomes something that is ignored; another takes its place from a second file.
        Rewrite(header => header.Replace(Matrix + "_scale_inv", "model.layers.0.self_attn.rotary_emb.inv_freq"));
        File.Move(_folder["model.safetensors"], _folder["a.safetensors"]);
        var scales = new TensorSpec(Matrix + "_scale_inv", 1, 1);
        SafetensorsWriter.Write(_folder["b.safetensors"], [scales], NumberType.BFloat16, (_, _, values) => values.Fill(0.375f));
        File.WriteAllText(_folder["model.safetensors.index.json"], $$$"""{"weight_map":{"{{{scales.Name}}}":"b.safetensors","{{{Matrix}}}":"a.safetensors"}}""");

        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);
        MatrixView view = checkpoint.Layer(0).Output();
        float[] codes = new float[view.Tensor.Elements];
        view.Tensor.CopyTo(0, codes);

        Assert.Equal(codes.Select(code => code * 0.375f), view.ToFloat32());
        Assert.Equal((NumberType.Float32, 4L), (view.Scales!.Tensor.NumberType, view.Scales.Tensor.Bytes));
        for (int round = 0; round < 2; round++)
        {
            Assert.Equal(0.375f, view.Scales.Tensor.Address.HostSpan<float>(1)[0]);
            view.Release();
        }
    }

    [Fact]
    public void Open_4BitsOfTheWrongType_NamesIt()
    {
        Write("gpt_oss", NumberType.MxFloat4);
        Rewrite(header => header.Replace("down_proj_scales\":{\"dtype\":\"U8\"", "down_proj_scales\":{\"dtype\":\"I8\""));

        AssertSentence("down_proj_scales", "should be of type U8, found I8");
    }

    [Fact]
    public void Open_4BitsWhereTheConfigSaysPlain_NamesThePlainTensor()
    {
        Write("gpt_oss", NumberType.MxFloat4);
        string config = File.ReadAllText(_folder["config.json"]);
        File.WriteAllText(_folder["config.json"], config.Replace("quantization_config", "other_config"));

        AssertSentence("lacks tensor \"model.layers.0.mlp.experts.gate_up_proj\"");
    }

    [Theory]
    [InlineData("\"model.layers.*.self_attn\"", true)]
    [InlineData("\"model.layers.*.mlp.router\"", true)]
    [InlineData("\"model.layers.*.mlp\"", false)]
    [InlineData("\"model.layers.1.mlp.experts\"", false)]
    [InlineData("\"model\"", false)]
    public void Read_ModulesNotConverted_MayNotBeExperts(string pattern, bool isAccepted)
    {
        string config = PublishedConfigs.Text("gpt-oss-20b").Replace("\"model.embed_tokens\"", pattern);

        Exception? error = Record.Exception(() => PublishedConfigs.Parse(config));

        Assert.Equal(isAccepted, error is null);
        if (error is not null)
            Assert.Contains("quantization_config.modules_to_not_convert", error.Message);
    }

    private void Write(string family, NumberType? quantized) =>
        RandomCheckpoint.Write(_folder.Path, new RandomModelOptions { Family = family, Quantized = quantized, ExpertWidth = 64 });

    private void Rewrite(Func<string, string> change) => Headers.Rewrite(_folder["model.safetensors"], change);

    private void AssertSentence(params string[] parts)
    {
        CheckpointException error = Assert.Throws<CheckpointException>(() => Checkpoint.Open(_folder.Path));
        Assert.All(parts, part => Assert.Contains(part, error.Message));
        Assert.EndsWith(".", error.Message);
    }
}
