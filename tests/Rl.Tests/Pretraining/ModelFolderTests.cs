using MegaInfer.Rl.Evaluation;
using MegaInfer.Rl.Pretraining;
using MegaInfer.Rl.Tests.Oracle;
using Xunit;

namespace MegaInfer.Rl.Tests.Pretraining;

public sealed class ModelFolderTests
{
    [Fact]
    public void Write_AnyWeights_HoldTheModelThatWasTrained()
    {
        string folder = Directory.CreateTempSubdirectory("megainfer-folder-").FullName;
        try
        {
            float[] parameters = ParameterInitialiser.Draw(SmallRun.Layout, seed: 8);
            for (int i = 0; i < parameters.Length; i++)
                parameters[i] *= 1 + (0.3f * MathF.Sin(i)); // norm weights differ from 1, so that a forgotten one shows
            ModelFolder.Write(folder, SmallRun.Layout, parameters, SmallRun.Encoding);
            int[] tokens = [72, 5, 200, 17, 17, 99, 140, 3];
            float[,] read = new TorchOracle(folder).Logits(tokens);
            float[] trained = new PlainDecoder(SmallRun.Layout, parameters).Logits(tokens);
            for (int v = 0; v < trained.Length; v++)
                Assert.Equal(trained[v], read[tokens.Length - 1, v], 1e-4f);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Write_AnyWeights_GiveTheLossOfTraining()
    {
        string folder = Directory.CreateTempSubdirectory("megainfer-folder-").FullName;
        try
        {
            float[] parameters = [.. ParameterInitialiser.Draw(SmallRun.Layout, seed: 8).Select(value => Bfloat16.Round(3 * value))];
            ModelFolder.Write(folder, SmallRun.Layout, parameters, SmallRun.Encoding);
            TokenBatch batch = SmallRun.Source().Draw(step: 1)[1];
            float trained = new Replica(SmallRun.Layout, parameters, balance: 0.02f).Accumulate(batch, batch.Targets.Length);
            TorchOracle oracle = new(folder);
            double read = 0;
            for (int c = 0, taught = 0; c + 1 < batch.Starts.Length; c++)
            {
                float[,] logits = oracle.Logits([.. batch.Ids[batch.Starts[c]..batch.Starts[c + 1]].Select(id => (int)id)]);
                for (; taught < batch.Targets.Length && batch.TaughtRows[taught] < batch.Starts[c + 1]; taught++)
                    read += CrossEntropy(logits, (int)batch.TaughtRows[taught] - batch.Starts[c], (int)batch.Targets[taught]);
            }
            Assert.Equal(read, trained, read * 1e-5);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(1f, 1f)]
    [InlineData(1.00390625f, 1f)] // halfway: to even
    [InlineData(1.01171875f, 1.015625f)] // halfway: to even
    [InlineData(-0.1f, -0.10009765625f)]
    public void Round_Values_AreNearestEven(float value, float rounded) => Assert.Equal(rounded, Bfloat16.Round(value));

    private static double CrossEntropy(float[,] logits, int row, int target)
    {
        double sum = 0;
        for (int v = 0; v < logits.GetLength(1); v++)
            sum += Math.Exp(logits[row, v]);
        return Math.Log(sum) - logits[row, target];
    }
}
