namespace MegaInfer.Bench.Rivals;

/// <summary>What a rival's own benchmark said.</summary>
/// <param name="TokensPerSecond">All sequences together.</param>
/// <param name="OthersShare">Processor time that other processes took meanwhile, in cores; NaN where the system does not tell.</param>
internal readonly record struct RivalMeasurement(double TokensPerSecond, double OthersShare);
