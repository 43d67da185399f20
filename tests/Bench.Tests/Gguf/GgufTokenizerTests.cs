using System.Text.Json.Nodes;
using MegaInfer.Bench.Gguf;
using MegaInfer.Bench.M2n;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints.Random;
using Xunit;

namespace MegaInfer.Bench.Tests.Gguf;

public sealed class GgufTokenizerTests
{
    private static string Mini => Path.Combine(M2nPrograms.Root, "models", "megainfer-mini");

    [Fact]
    public void AddTo_EmbeddedModel_HasTokensMergesAndMarks()
    {
        Dictionary<string, object> read = Read(Mini, 1024);

        Assert.Equal("gpt2", read["tokenizer.ggml.model"]);
        Assert.Equal("qwen2", read["tokenizer.ggml.pre"]);
        object[] tokens = (object[])read["tokenizer.ggml.tokens"];
        object[] types = (object[])read["tokenizer.ggml.token_type"];
        Assert.Equal(1024, tokens.Length);
        Assert.Equal(["!", "<|endoftext|>", "<|im_start|>", "<|im_end|>"], [tokens[0], .. tokens[1021..]]);
        Assert.Equal([1, 3, 3, 3], [types[0], .. types[1021..]]);
        object[] merges = (object[])read["tokenizer.ggml.merges"];
        Assert.Equal(765, merges.Length);
        Assert.Equal("e r", merges[0]);
        Assert.Equal((1023u, 1021u, 1021u), ((uint)read["tokenizer.ggml.eos_token_id"], (uint)read["tokenizer.ggml.eot_token_id"], (uint)read["tokenizer.ggml.bos_token_id"]));
        Assert.Equal(false, read["tokenizer.ggml.add_bos_token"]);
        Assert.Contains("<|im_start|>", (string)read["tokenizer.chat_template"], StringComparison.Ordinal);
    }

    [Fact]
    public void AddTo_ByteTokenizerOfARandomModel_NamesEveryId()
    {
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(folder["model"], new RandomModelOptions { VocabularySize = 300 });

        Dictionary<string, object> read = Read(folder["model"], 302);

        Assert.Equal("gpt-2", read["tokenizer.ggml.pre"]);
        object[] tokens = (object[])read["tokenizer.ggml.tokens"];
        object[] types = (object[])read["tokenizer.ggml.token_type"];
        Assert.Equal(302, tokens.Distinct().Count());
        Assert.Equal(["A", "<|endoftext|>", "Ġw259", "[PAD301]"], [tokens[65], tokens[256], tokens[259], tokens[301]]);
        Assert.Equal([1, 3, 1, 5], [types[65], types[256], types[259], types[301]]);
        // None, but an empty list would not do; its parts are longer than a letter, so that no text ever has them.
        Assert.Equal(["no merges"], (object[])read["tokenizer.ggml.merges"]);
    }

    [Fact]
    public void AddTo_NoTokenizer_SaysSo()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal("no_vocab", Read(folder.Path, 64)["tokenizer.ggml.model"]);
    }

    [Theory]
    [InlineData("neither as GPT-2's nor as Qwen2's", "pre_tokenizer")]
    [InlineData("\"byte_fallback\"", "byte_fallback")]
    [InlineData("beyond the model's 1000", "size")]
    public void AddTo_WhatLlamaWouldTokenizeOtherwise_IsRefused(string expected, string change)
    {
        using var folder = new TemporaryFolder();
        foreach (string file in Directory.GetFiles(Mini, "*.json"))
            File.Copy(file, folder[Path.GetFileName(file)]);
        JsonNode tokenizer = JsonNode.Parse(File.ReadAllText(folder["tokenizer.json"]))!;
        if (change == "pre_tokenizer")
            tokenizer["pre_tokenizer"]!["pretokenizers"]![0]!["pattern"]!["Regex"] = @"\p{N}{1,3}|\p{L}+|.";
        else if (change == "byte_fallback")
            tokenizer["model"]!["byte_fallback"] = true;
        File.WriteAllText(folder["tokenizer.json"], tokenizer.ToJsonString());

        MegaInferException refusal = Assert.Throws<MegaInferException>(() => Read(folder.Path, change == "size" ? 1000 : 1024));

        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    private static Dictionary<string, object> Read(string folder, int vocabularySize)
    {
        var metadata = new GgufMetadata();
        GgufTokenizer.AddTo(metadata, folder, vocabularySize);
        using var target = new TemporaryFolder();
        GgufWriter.Write(target["file"], metadata, []);
        return GgufFile.Read(target["file"]).Metadata;
    }
}
