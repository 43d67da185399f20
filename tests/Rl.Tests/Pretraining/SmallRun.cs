using MegaInfer.Rl.Pretraining;
using MegaInfer.Rl.Tasks;
using MegaInfer.Rl.Tokens;

namespace MegaInfer.Rl.Tests.Pretraining;

/// <summary>A training run of test size: few merges, short steps.</summary>
internal static class SmallRun
{
    public static PretrainingOptions Options { get; } = new() { Seed = 9, Steps = 12, TokensPerStep = 400, WarmUpSteps = 2 };

    public static BytePairEncoding Encoding { get; } = new(MergeLearner.Learn(["What is 12 + 34? Answer: 46. user assistant"], 0));

    public static ParameterLayout Layout { get; } = new(new ModelShape(Encoding.VocabularySize - (Encoding.VocabularySize % 16) + 16) { LayerCount = 2 });

    public static BatchSource Source() => new(new TrainingMix(SmallTalk.Load(), LateShares.Default), new ChatEncoder(Encoding), Options);

    public static Trainer Trainer() => new(Layout, Source(), Options);
}
