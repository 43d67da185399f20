using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>The logits that a user gets: the built server's <c>logits</c> command with its pools of processes, read from the file it writes.</summary>
internal static partial class DeployedLogits
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(3);

    /// <summary>[tokens, vocabulary]</summary>
    public static async Task<float[,]> OfAsync(string folder, int[] tokens, params string[] options)
    {
        string server = Path.Combine(TorchOracleTests.RepositoryFolder("artifacts/bin/MegaInfer.Server/release"), "megainfer-server");
        Assert.True(File.Exists(server), $"{server} is not built; ./megainfer test builds it.");
        string path = Path.Combine(folder, $"{Guid.NewGuid():N}.npy");
        string ids = string.Join(',', tokens.Select(token => token.ToString(CultureInfo.InvariantCulture)));
        var start = new ProcessStartInfo(server, ["logits", "--model", folder, "--tokens", ids, "--out", path, .. options])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Bound);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        Assert.True(process.ExitCode == 0, $"logits ended with status {process.ExitCode}: {await error}{await output}");
        return Read(await File.ReadAllBytesAsync(path));
    }

    // NumPy's format 1.0: magic, version, length of a header that names the shape, then the numbers.
    private static float[,] Read(byte[] file)
    {
        int headerLength = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(8));
        Match shape = Shape().Match(Encoding.ASCII.GetString(file, 10, headerLength));
        Assert.True(shape.Success, "the file's header names no shape of two sizes");
        float[,] result = new float[Size(shape.Groups[1]), Size(shape.Groups[2])];
        Buffer.BlockCopy(file, 10 + headerLength, result, 0, result.Length * sizeof(float));
        return result;
    }

    private static int Size(Group group) => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\((\d+), (\d+)\)")]
    private static partial Regex Shape();
}
