namespace MegaInfer.Bench.Kernels;

/// <summary>One operation at one size, beside the least time that the machine allows.</summary>
internal sealed record KernelRow
{
    public string Engine { get; init; } = "megainfer";

    public string Work { get; init; } = "kernel";

    public required string Operation { get; init; }

    public required string Dtype { get; init; }

    public required int Rows { get; init; }

    public required double Us { get; init; }

    /// <summary>Read and written, of memory.</summary>
    public required double Bytes { get; init; }

    /// <summary>Of fp32 products; those of integer weights are not counted.</summary>
    public required double Flops { get; init; }

    public required double FloorUs { get; init; }

    public double ShareOfFloor => FloorUs / Us;
}
