using System.Text;
using System.Text.Json;
using MegaInfer.Engine.ChatTemplates;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model.Families;
using MegaInfer.Engine.Tests.Checkpoints;
using MegaInfer.Engine.Tests.Tokenization;
using MegaInfer.Engine.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.Fuzzing;

/// <summary>
/// Every reader of files that users bring, on damaged ones: errors of the documented kind only, no crash or hang, time and allocation bounded. The short
/// forms run always, the long ones with 200,000 inputs each.
/// </summary>
public sealed class ReaderFuzzTests : IDisposable
{
    private const int Few = 2_000;
    private const int Many = 200_000;

    private static readonly FuzzBounds SmallFiles = new(FixedBytes: 1 << 20, BytesPerByte: 200);
    // Hash tables and tries of tokens, and a cache of pieces once text is encoded.
    private static readonly FuzzBounds TokenizerFiles = new(FixedBytes: 4 << 20, BytesPerByte: 400);
    // A rendering may spend its whole budget, however short the template is.
    private static readonly FuzzBounds TemplateTexts = new(FixedBytes: 512 << 20, BytesPerByte: 400);

    // What the first eight bytes of a safetensors file may say.
    private static readonly ulong[] Lengths = [0, 1, 7, 8, 255, 100_000_000, 100_000_001, int.MaxValue, 1UL << 32, long.MaxValue, ulong.MaxValue, ulong.MaxValue - 7];

    private readonly TemporaryFolder _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void SafetensorsHeader_Damaged_GivesErrorsOnly() => FuzzHeaders(Few);

    [Fact]
    public void Config_Damaged_GivesErrorsOnly() => FuzzConfigs(Few);

    [Fact]
    public void GenerationConfig_Damaged_GivesErrorsOnly() => FuzzGenerationConfigs(Few);

    [Theory]
    [InlineData("tiny-qwen")]
    [InlineData("tiny-mixtral")]
    public void TokenizerFile_Damaged_GivesErrorsOnly(string model) => FuzzTokenizer(Few / 2, model, "tokenizer.json");

    [Fact]
    public void TokenizerConfig_Damaged_GivesErrorsOnly() => FuzzTokenizer(Few, "tiny-qwen", "tokenizer_config.json");

    [Fact]
    public void TiktokenModel_Damaged_GivesErrorsOnly() => FuzzTiktoken(Few);

    [Fact]
    public void Template_Damaged_GivesErrorsOnly() => FuzzTemplates(Few);

    [Fact]
    public void TemplateFolder_Damaged_GivesErrorsOnly() => FuzzTemplateFolders(Few);

    [Fact(Explicit = true)]
    public void SafetensorsHeader_DamagedManyTimes_GivesErrorsOnly() => FuzzHeaders(Many);

    [Fact(Explicit = true)]
    public void Config_DamagedManyTimes_GivesErrorsOnly() => FuzzConfigs(Many);

    [Fact(Explicit = true)]
    public void GenerationConfig_DamagedManyTimes_GivesErrorsOnly() => FuzzGenerationConfigs(Many);

    [Theory(Explicit = true)]
    [InlineData("tiny-qwen")]
    [InlineData("tiny-mixtral")]
    public void TokenizerFile_DamagedManyTimes_GivesErrorsOnly(string model) => FuzzTokenizer(Many / 2, model, "tokenizer.json");

    [Fact(Explicit = true)]
    public void TokenizerConfig_DamagedManyTimes_GivesErrorsOnly() => FuzzTokenizer(Many, "tiny-qwen", "tokenizer_config.json");

    [Fact(Explicit = true)]
    public void TiktokenModel_DamagedManyTimes_GivesErrorsOnly() => FuzzTiktoken(Many);

    [Fact(Explicit = true)]
    public void Template_DamagedManyTimes_GivesErrorsOnly() => FuzzTemplates(Many);

    [Fact(Explicit = true)]
    public void TemplateFolder_DamagedManyTimes_GivesErrorsOnly() => FuzzTemplateFolders(Many);

    private void FuzzHeaders(int count)
    {
        byte[] original = File.ReadAllBytes(Path.Combine(WriteModel(ModelFamilies.All[0]), "model.safetensors"));
        int headerBytes = (int)BitConverter.ToInt64(original);
        int dataBytes = original.Length - 8 - headerBytes;
        JsonMutator mutator = new([Encoding.UTF8.GetString(original.AsSpan(8, headerBytes))]);
        byte[] Make(int seed)
        {
            byte[] header = mutator.Make(seed);
            System.Random random = new(~seed);
            ulong stated = random.Next(16) > 0 ? (ulong)header.Length : Lengths[random.Next(Lengths.Length)];
            return [.. BitConverter.GetBytes(stated), .. header];
        }

        new FuzzDriver<CheckpointException>(SmallFiles).Run(count, Make, bytes =>
        {
            long fileBytes = bytes.Length + dataBytes;
            SafetensorsHeader header = BitConverter.ToUInt64(bytes) == (ulong)bytes.Length - 8
                ? SafetensorsHeader.Parse("x.safetensors", bytes.AsSpan(8), bytes.Length, fileBytes)
                : ReadHeaderFile(bytes, fileBytes);
            Assert.All(header.Entries.Values, entry => Assert.InRange(entry.Offset, 8, fileBytes - entry.Bytes));
        });
    }

    // The length that a file states is read from the file itself, which takes its time: only where it is wrong.
    private SafetensorsHeader ReadHeaderFile(byte[] bytes, long fileBytes)
    {
        using (FileStream stream = File.Create(_model["x.safetensors"]))
        {
            stream.Write(bytes);
            stream.SetLength(fileBytes);
        }

        using MappedFile file = new(_model["x.safetensors"]);
        return SafetensorsHeader.Read(file);
    }

    private void FuzzConfigs(int count)
    {
        JsonMutator mutator = new(Configs());
        new FuzzDriver<CheckpointException>(SmallFiles).Run(count, mutator.Make, config =>
        {
            using JsonDocument document = JsonFile.ParseObject("config.json", config);
            ModelConfig.Parse(new ConfigReader("config.json", document.RootElement));
        });
    }

    private void FuzzGenerationConfigs(int count)
    {
        string folder = WriteModel(ModelFamilies.All[0]);
        JsonMutator mutator = new(
        [
            """{"bos_token_id": 1, "do_sample": true, "eos_token_id": [2, 3], "pad_token_id": 2, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "repetition_penalty": 1.05, "transformers_version": "4.51.0"}""",
            """{"_from_model_config": true, "eos_token_id": 2, "do_sample": false, "max_length": 4096}""",
        ]);
        new FuzzDriver<CheckpointException>(SmallFiles).Run(count, mutator.Make, config =>
        {
            File.WriteAllBytes(Path.Combine(folder, ModelConfig.GenerationFileName), config);
            ModelConfig.Read(folder);
        });
    }

    private static void FuzzTokenizer(int count, string model, string file)
    {
        using TemporaryModelFolder folder = TemporaryModelFolder.CopyOf(model);
        JsonMutator mutator = new([folder.Read(file), .. model == "tiny-qwen" && file != "tokenizer.json" ? new[] { TiktokenModel.Config } : []]);
        new FuzzDriver<TokenizerException>(TokenizerFiles).Run(count, mutator.Make, bytes => Use(folder, file, bytes));
    }

    private static void FuzzTiktoken(int count)
    {
        using TemporaryModelFolder folder = TiktokenModel.Folder();
        LineMutator mutator = new(TiktokenModel.File());
        new FuzzDriver<TokenizerException>(TokenizerFiles).Run(count, mutator.Make, bytes => Use(folder, "tiktoken.model", bytes));
    }

    private static void Use(TemporaryModelFolder folder, string file, byte[] bytes)
    {
        folder.Write(file, bytes);
        Tokenizer tokenizer = Tokenizer.Load(folder.Path);
        foreach (bool parseSpecial in (bool[])[true, false])
        {
            int[] ids = tokenizer.Encode("Hello wörld's <s> <|im_end|>  1234\n你好 e\u0301", addSpecialTokens: true, parseSpecial);
            tokenizer.Decode(ids, skipSpecial: parseSpecial);
        }
    }

    private static void FuzzTemplates(int count)
    {
        JsonElement tools = JsonElement.Parse("""[{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}]""");
        ChatMessage[] messages = [new("system", "s"), new("user", "hello"), new("assistant", null), ChatMessage.FromJson(JsonElement.Parse("""{"role": "tool", "content": "1", "tool_calls": [{"id": 1}]}"""))];
        new FuzzDriver<ChatTemplateException>(TemplateTexts).Run(count, new TemplateMutator(Templates()).Make, bytes =>
            ChatTemplate.Parse(Encoding.UTF8.GetString(bytes)).Render(messages, addGenerationPrompt: true, tools));
    }

    private static void FuzzTemplateFolders(int count)
    {
        using TemporaryModelFolder folder = TemporaryModelFolder.CopyOf("tiny-qwen");
        JsonMutator mutator = new([folder.Read("tokenizer_config.json"), """{"bos_token": {"content": "<s>"}, "chat_template": [{"name": "default", "template": "{{ bos_token }}"}, {"name": "tool_use", "template": "{{ tools | tojson }}"}]}"""]);
        new FuzzDriver<ChatTemplateException>(SmallFiles).Run(count, mutator.Make, bytes =>
        {
            folder.Write("tokenizer_config.json", bytes);
            ChatTemplate.TryLoad(folder.Path)?.Render([new("user", "hello")], addGenerationPrompt: true);
        });
    }

    // A random model's config of each family, and the published ones where they are kept.
    private List<string> Configs()
    {
        List<string> configs = [.. ModelFamilies.All.Select(family => File.ReadAllText(Path.Combine(WriteModel(family), ModelConfig.FileName)))];
        string published = Path.Combine(Path.GetDirectoryName(GoldenFile.Folder)!, "Checkpoints", "configs");
        if (Directory.Exists(published))
            configs.AddRange(Directory.EnumerateFiles(published, "*.json").Order(StringComparer.Ordinal).Select(File.ReadAllText));
        return configs;
    }

    private static List<string> Templates() =>
    [
        .. Directory.EnumerateFiles(GoldenFile.Folder, "template-*.golden.json").Order(StringComparer.Ordinal)
            .Select(path => JsonElement.Parse(File.ReadAllBytes(path)).GetProperty("template").GetString()!),
        "{{ messages | map(attribute='role') | unique | list | sort | first | upper | replace('A', 'b') | indent(2) }}{{ messages[0] | tojson(indent=2) }}{{ {'a': (1, 2.5)} }}",
        "{% set n = namespace(a=[]) %}{% for i in range(5) if i is odd recursive %}{% set n.a = n.a + [i] %}{% endfor %}{{ n.a[::-1] | join(',') }}{{ 'abc'.split('b') }}",
    ];

    private string WriteModel(ModelFamily family)
    {
        string folder = _model[family.ModelType];
        RandomCheckpoint.Write(folder, new RandomModelOptions { Family = family.ModelType, LayerCount = 1, ExpertCount = 4, VocabularySize = 32 });
        return folder;
    }
}
