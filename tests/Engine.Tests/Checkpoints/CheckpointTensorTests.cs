using System.Runtime.InteropServices;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

public sealed class CheckpointTensorTests
{
    [Theory]
    [InlineData(NumberType.Float32)]
    [InlineData(NumberType.BFloat16)]
    [InlineData(NumberType.Float16)]
    public void Address_WidenedTensor_IsFp32WhateverIsStored(NumberType stored)
    {
        float[] numbers = [1.5f, -0.0078125f, 384f];
        using var folder = new TemporaryFolder();
        byte[] bytes = stored switch
        {
            NumberType.Float32 => MemoryMarshal.AsBytes<float>(numbers).ToArray(),
            NumberType.BFloat16 => MemoryMarshal.AsBytes<ushort>(numbers.Select(BFloat16.FromSingle).ToArray()).ToArray(),
            _ => MemoryMarshal.AsBytes<Half>(numbers.Select(number => (Half)number).ToArray()).ToArray(),
        };
        File.WriteAllBytes(folder["scales"], [0, 0, .. bytes]);
        using var file = new MappedFile(folder["scales"]);
        var tensor = new CheckpointTensor(file, new SafetensorsEntry("scales", "", [3], 2, bytes.Length), stored, isWidened: true);

        for (int round = 0; round < 2; round++)
        {
            Assert.Equal(NumberType.Float32, tensor.NumberType);
            Assert.Equal(numbers, tensor.Address.HostSpan<float>(3).ToArray());
            Assert.Equal(numbers, tensor.ToFloat32());
            tensor.Release(); // and it may be read again
        }
    }
}
