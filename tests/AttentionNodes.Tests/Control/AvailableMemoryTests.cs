using MegaInfer.AttentionNodes.Control;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Control;

public sealed class AvailableMemoryTests
{
    [Fact]
    public void Parse_FindsTheField() =>
        Assert.Equal(2048L * 1024, AvailableMemory.Parse(["MemTotal:  9999 kB", "MemAvailable:    2048 kB", "Buffers: 1 kB"]));

    [Fact]
    public void Parse_WithoutTheField_IsNull() => Assert.Null(AvailableMemory.Parse(["MemTotal: 9999 kB"]));

    [Fact]
    public void Bytes_IsPositive() => Assert.True(AvailableMemory.Bytes() > 0);
}
