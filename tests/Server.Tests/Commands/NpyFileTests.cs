using System.Text;
using MegaInfer.Engine;
using MegaInfer.Server.Commands;
using Xunit;

namespace MegaInfer.Server.Tests.Commands;

public sealed class NpyFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("megainfer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Complete_WritesHeaderAndData()
    {
        string path = Path.Combine(_folder, "x.npy");
        using (var file = new NpyFile(path, 2, 1))
        {
            file.Append([1, 2, 3, 4]);
            file.Append([5, 6, 7, 8]);
            file.Complete();
        }

        byte[] bytes = File.ReadAllBytes(path);
        Assert.Equal([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0], bytes[..8]);
        int headerLength = bytes[8] | (bytes[9] << 8);
        Assert.Equal(0, (10 + headerLength) % 64);
        string header = Encoding.ASCII.GetString(bytes, 10, headerLength);
        Assert.StartsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", header, StringComparison.Ordinal);
        Assert.EndsWith("\n", header, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], bytes[(10 + headerLength)..]);
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Complete_WhereAFolderIs_NamesItAndLeavesNoFile()
    {
        using (var file = new NpyFile(_folder, 1, 1))
        {
            file.Append([1, 2, 3, 4]);
            Assert.Contains($"{_folder} cannot be written", Assert.Throws<MegaInferException>(file.Complete).Message, StringComparison.Ordinal);
        }

        Assert.False(File.Exists(_folder + ".part"));
    }

    [Fact]
    public void Complete_WithTooLittle_LeavesNoFile()
    {
        string path = Path.Combine(_folder, "x.npy");
        using (var file = new NpyFile(path, 2, 1))
        {
            file.Append([1, 2, 3, 4]);
            Assert.Throws<MegaInferException>(file.Complete);
        }

        Assert.Empty(Directory.GetFiles(_folder));
    }
}
