using System.Diagnostics;
using MegaInfer.Rl.Evaluation;
using MegaInfer.Rl.Tasks;
using MegaInfer.Rl.Tokens;
using Spectre.Console;

namespace MegaInfer.Rl.Pretraining;

/// <summary>A whole run: vocabulary, steps with a progress bar, validations, checkpoints, and the model folder at the end.</summary>
internal sealed class PretrainingRun(PretrainingOptions options, LateShares late, string folder, string checkpointPath)
{
    private const int ValidationProblemsPerClass = 60;
    private const int TestProblemsPerClass = 200;

    /// <summary>Trains to the last step, from the checkpoint if <paramref name="resume"/>, and writes the model folder.</summary>
    public void Run(bool resume)
    {
        Directory.CreateDirectory(folder); // a folder that cannot be written should not be found out after the last step
        TrainingMix mix = new(SmallTalk.Load(), late);
        BytePairEncoding encoding = Vocabulary.Learn(mix, options.Seed);
        ParameterLayout layout = new(new ModelShape(encoding.VocabularySize));
        AnsiConsole.WriteLine($"{layout.Count:N0} parameters, {encoding.VocabularySize} tokens in the vocabulary, seed {options.Seed}, {options.Steps} steps.");
        using Trainer trainer = new(layout, new BatchSource(mix, new ChatEncoder(encoding), options), options);
        if (resume)
        {
            trainer.Load(checkpointPath);
            AnsiConsole.WriteLine($"Resumed after step {trainer.StepsDone} from {checkpointPath}.");
        }
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(checkpointPath))!);
        AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(progress => Train(trainer, layout, encoding, progress.AddTask("starting", maxValue: options.Steps)));
        float[] parameters = trainer.CopyParameters();
        ModelFolder.Write(folder, layout, parameters, encoding);
        // Only now, when nothing is left to choose, the test part is looked at.
        ValidationScore score = ValidationScore.Measure(new PlainDecoder(layout, parameters), encoding, SplitPart.Test, TestProblemsPerClass, options.Replicas);
        PretrainingRecord.Write(folder, options, late, layout.Count, score);
        AnsiConsole.WriteLine($"Test: {score.Describe()}.");
        AnsiConsole.WriteLine($"Wrote {folder}.");
    }

    private void Train(Trainer trainer, ParameterLayout layout, BytePairEncoding encoding, ProgressTask bar)
    {
        Stopwatch clock = new(); // of the steps alone
        double loss = 0;
        long tokens = 0;
        string score = "score after the first validation";
        bar.Value = trainer.StepsDone;
        while (trainer.StepsDone < options.Steps)
        {
            clock.Start();
            float latest = trainer.Step();
            clock.Stop();
            loss = loss == 0 ? latest : (0.98 * loss) + (0.02 * latest);
            tokens += trainer.LastTokens;
            bar.Value = trainer.StepsDone;
            bar.Description = $"loss {loss:F4}, {score}, {tokens / clock.Elapsed.TotalSeconds:N0} tokens/s";
            if (trainer.StepsDone % options.ValidateEvery == 0 || trainer.StepsDone == options.Steps)
            {
                trainer.Save(checkpointPath);
                PlainDecoder decoder = new(layout, trainer.CopyParameters());
                ValidationScore validation = ValidationScore.Measure(decoder, encoding, SplitPart.Validation, ValidationProblemsPerClass, options.Replicas);
                score = $"exact {ProblemClasses.Exact.Average(c => validation.Exact[c]):P1}";
                AnsiConsole.WriteLine($"step {trainer.StepsDone}, loss {loss:F4}, {tokens / clock.Elapsed.TotalSeconds:N0} tokens/s: {validation.Describe()}");
            }
        }
    }
}
