using System.Diagnostics.CodeAnalysis;

namespace MegaInfer.Engine.Model.Families;

/// <summary>Every family this program can run.</summary>
public static class ModelFamilies
{
    public static IReadOnlyList<ModelFamily> All { get; } =
    [
        Qwen3Moe.Family, Mixtral.Family, Dbrx.Family, Qwen2Moe.Family, Olmoe.Family, DeepSeek.V2, DeepSeek.V3, DeepSeek.KimiK2, GptOss.Family, Glm4Moe.Family,
        MiniMaxM2.Family,
    ];

    /// <summary>For error sentences: <c>qwen3_moe, mixtral, ...</c>.</summary>
    public static string Names => string.Join(", ", All.Select(family => family.ModelType));

    /// <summary>Finds a family by its config's <c>model_type</c>.</summary>
    public static bool TryFind(string modelType, [NotNullWhen(true)] out ModelFamily? family)
    {
        family = All.FirstOrDefault(candidate => candidate.ModelType == modelType || candidate.Alias == modelType);
        return family is not null;
    }
}
