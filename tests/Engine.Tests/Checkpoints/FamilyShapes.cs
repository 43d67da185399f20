using MegaInfer.Engine.Checkpoints.Random;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>A tiny shape of each family in which every block that the family has is there.</summary>
internal static class FamilyShapes
{
    public static RandomModelOptions Of(string family) => new()
    {
        Family = family,
        LayerCount = 3,
        HeadDim = 24,
        ExpertWidth = 40,
        SharedExperts = 2,
        Groups = 2,
        DenseLayers = 1,
        DenseWidth = 72,
        Window = 8,
        VocabularySize = 300,
        ShardBytes = 150_000,
    };
}
