using MegaInfer.Rl.Pretraining;
using Xunit;

namespace MegaInfer.Rl.Tests.Pretraining;

public sealed class TrainerTests
{
    [Fact]
    public void Load_AfterInterruption_EndsWithTheSameBits()
    {
        string path = Path.GetTempFileName();
        try
        {
            using Trainer whole = SmallRun.Trainer();
            StepTo(whole, SmallRun.Options.Steps);

            using (Trainer first = SmallRun.Trainer())
            {
                StepTo(first, 5);
                first.Save(path);
                StepTo(first, 7); // lost with the interruption
            }
            using Trainer second = SmallRun.Trainer();
            second.Load(path);
            Assert.Equal(5, second.StepsDone);
            StepTo(second, SmallRun.Options.Steps);

            Assert.Equal(whole.CopyParameters(), second.CopyParameters());
            using Trainer untrained = SmallRun.Trainer();
            Assert.NotEqual(untrained.CopyParameters(), second.CopyParameters());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Load_OtherOptions_IsRefused()
    {
        string path = Path.GetTempFileName();
        try
        {
            using Trainer trainer = SmallRun.Trainer();
            trainer.Save(path);
            using Trainer other = new(SmallRun.Layout, SmallRun.Source(), SmallRun.Options with { Steps = 13 });
            Assert.Contains("other options", Assert.Throws<InvalidDataException>(() => other.Load(path)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Step_Repeated_LowersTheLoss()
    {
        using Trainer trainer = SmallRun.Trainer();
        float first = trainer.Step();
        StepTo(trainer, SmallRun.Options.Steps - 1);
        Assert.True(trainer.Step() < 0.9f * first);
    }

    private static void StepTo(Trainer trainer, int steps)
    {
        while (trainer.StepsDone < steps)
            trainer.Step();
    }
}
