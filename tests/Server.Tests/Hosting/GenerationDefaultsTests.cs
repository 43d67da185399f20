using MegaInfer.Engine;
using MegaInfer.Engine.Tests.Fuzzing;
using MegaInfer.Server.Hosting;
using Xunit;

namespace MegaInfer.Server.Tests.Hosting;

public sealed class GenerationDefaultsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("megainfer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Read_NoFile_IsOpenAi() => Assert.Equal(GenerationDefaults.OpenAi, GenerationDefaults.Read(_folder));

    [Theory]
    [InlineData("{}", 1f, 1f, 0)]
    [InlineData("""{"temperature": 0.5, "top_p": 0.75, "top_k": 20}""", 0.5f, 0.75f, 20)]
    [InlineData("""{"do_sample": true, "temperature": 0.5}""", 0.5f, 1f, 0)]
    [InlineData("""{"do_sample": false, "temperature": 0.5}""", 0f, 1f, 0)]
    [InlineData("""{"temperature": null}""", 1f, 1f, 0)]
    public void Read_File_IsWhatItStates(string json, float temperature, float topP, int topK)
    {
        File.WriteAllText(Path.Combine(_folder, "generation_config.json"), json);
        Assert.Equal(new GenerationDefaults { Temperature = temperature, TopP = topP, TopK = topK }, GenerationDefaults.Read(_folder));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"temperature": "hot"}""")]
    public void Read_WrongFile_IsNamed(string json)
    {
        File.WriteAllText(Path.Combine(_folder, "generation_config.json"), json);
        Assert.Contains("generation_config.json", Assert.Throws<MegaInferException>(() => GenerationDefaults.Read(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_Damaged_GivesErrorsOnly() => Fuzz(1_500);

    [Fact(Explicit = true)]
    public void Read_DamagedManyTimes_GivesErrorsOnly() => Fuzz(200_000);

    private void Fuzz(int count)
    {
        JsonMutator mutator = new(["""{"do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.0, "repetition_penalty": 1.05, "eos_token_id": [2, 3]}"""]);
        new FuzzDriver<MegaInferException>(new FuzzBounds(FixedBytes: 1 << 20, BytesPerByte: 200)).Run(count, mutator.Make, bytes =>
        {
            File.WriteAllBytes(Path.Combine(_folder, "generation_config.json"), bytes);
            GenerationDefaults.Read(_folder);
        });
    }
}
