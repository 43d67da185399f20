namespace MegaInfer.Rl.Pretraining;

/// <summary>Everything a training run depends on. The same options give the same weights, bit for bit, on the same kind of machine.</summary>
public sealed record PretrainingOptions
{
    /// <summary>Seed of the weights, the vocabulary sample and the data.</summary>
    public ulong Seed { get; init; } = 2;

    /// <summary>Number of optimiser steps; the schedule follows it, never the clock.</summary>
    public int Steps { get; init; } = 6000;

    /// <summary>Tokens of a step over all replicas, at least.</summary>
    public int TokensPerStep { get; init; } = 2048;

    /// <summary>Threads with a copy of the model each; part of the result, because sums are taken per replica.</summary>
    public int Replicas { get; init; } = 2;

    /// <summary>Highest learning rate.</summary>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>Steps of linear warm-up.</summary>
    public int WarmUpSteps { get; init; } = 200;

    /// <summary>The learning rate at the end as a share of the highest.</summary>
    public double FinalShare { get; init; } = 0.03;

    /// <summary>Coefficient of the load-balancing loss.</summary>
    public float BalanceCoefficient { get; init; } = 0.02f;

    /// <summary>Steps between validations and checkpoints.</summary>
    public int ValidateEvery { get; init; } = 600;

    /// <summary>The learning rate of a step: linear warm-up, then a cosine.</summary>
    public double LearningRateAt(int step)
    {
        if (step < WarmUpSteps)
            return LearningRate * (step + 1) / WarmUpSteps;
        double progress = (double)(step - WarmUpSteps) / Math.Max(1, Steps - WarmUpSteps);
        return LearningRate * (FinalShare + ((1 - FinalShare) * 0.5 * (1 + Math.Cos(Math.PI * progress))));
    }

    /// <summary>A text that differs wherever two runs would; a checkpoint carries it.</summary>
    public string Fingerprint() => ToString();
}
