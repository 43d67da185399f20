namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// What a config.json may ask for. The bounds keep every product of two sizes inside 32 bits, whatever the file says; heads and experts are bounded as the kernels
/// bound them.
/// </summary>
internal static class ConfigLimits
{
    public const int Width = 1 << 20;
    public const int Heads = 4096;
    public const int HeadDim = 1024;
    public const int Layers = 4096;
    public const int Experts = 4096;
    public const int ExpertsPerToken = 64;
    public const int Vocabulary = 1 << 24;
    public const int Context = 1 << 26;
}
