using System.CommandLine;
using MegaInfer.Rl.Tasks;

namespace MegaInfer.Rl.Pretraining;

/// <summary>The verb <c>pretrain</c>: trains the embedded model from nothing and writes its Hugging Face folder.</summary>
internal static class PretrainCommand
{
    /// <summary>The command with its options; exit status 0 only if the folder was written.</summary>
    public static Command Create()
    {
        PretrainingOptions defaults = new();
        Option<string> folder = new("--out") { Description = "Folder to write the model to.", DefaultValueFactory = _ => "artifacts/pretrain/megainfer-mini" };
        Option<string?> checkpoint = new("--checkpoint") { Description = "Checkpoint file. Default: checkpoint.bin beside the model folder." };
        Option<ulong> seed = new("--seed") { Description = "Seed of weights, vocabulary sample and data.", DefaultValueFactory = _ => defaults.Seed };
        Option<int> steps = new("--steps") { Description = "Optimiser steps.", DefaultValueFactory = _ => defaults.Steps };
        Option<int> every = new("--validate-every") { Description = "Steps between validations and checkpoints.", DefaultValueFactory = _ => defaults.ValidateEvery };
        Option<bool> resume = new("--resume") { Description = "Continue from the checkpoint." };
        foreach (Option<int> count in new[] { steps, every })
            count.Validators.Add(result => { if (result.GetValueOrDefault<int>() < 1) result.AddError($"{count.Name} must be at least 1."); });
        Command command = new("pretrain", "Train the embedded model from nothing; the same seed and steps give the same weights.")
        {
            folder, checkpoint, seed, steps, every, resume,
        };
        command.SetAction(parsed =>
        {
            PretrainingOptions options = defaults with
            {
                Seed = parsed.GetValue(seed),
                Steps = parsed.GetValue(steps),
                ValidateEvery = parsed.GetValue(every),
            };
            string target = parsed.GetValue(folder)!;
            string checkpointPath = parsed.GetValue(checkpoint) ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(target))!, "checkpoint.bin");
            bool isResumed = parsed.GetValue(resume);
            if (isResumed && !File.Exists(checkpointPath))
            {
                Console.Error.WriteLine($"There is no checkpoint at {checkpointPath}; start without --resume or name one with --checkpoint.");
                return 1;
            }
            try
            {
                new PretrainingRun(options, LateShares.Default, target, checkpointPath).Run(isResumed);
                return 0;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                Console.Error.WriteLine(failure.Message);
                return 1;
            }
        });
        return command;
    }
}
