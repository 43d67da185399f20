using MegaInfer.Kernels.Native;
using Xunit;

namespace MegaInfer.Kernels.Tests.Native;

public sealed class MkLibraryTests
{
    [Fact]
    public void MismatchSentence_SameVersionAndSizes_IsNull() =>
        Assert.Null(MkLibrary.MismatchSentence(MkNative.AbiVersion, BytesHere));

    [Fact]
    public void MismatchSentence_OtherVersion_NamesBothAndTheRemedy()
    {
        string sentence = MkLibrary.MismatchSentence(77, BytesHere)!;
        Assert.Contains("ABI version 77", sentence);
        Assert.Contains($"needs {MkNative.AbiVersion}", sentence);
        Assert.Contains("dotnet build", sentence);
    }

    [Fact]
    public void MismatchSentence_OtherStructSize_NamesTheStruct()
    {
        string sentence = MkLibrary.MismatchSentence(MkNative.AbiVersion, id => BytesHere(id) + (id == MkStructId.GemmArgs ? 8u : 0u))!;
        Assert.Contains("GemmArgs", sentence);
    }

    [Fact]
    public void MissingSentence_SaysWhatWhereAndTheCommand()
    {
        string sentence = MkLibrary.MissingSentence("/opt/app/", "no such file");
        Assert.Contains("libmegakernels.so", sentence);
        Assert.Contains("/opt/app/", sentence);
        Assert.Contains("dotnet build kernels/dotnet/MegaInfer.Kernels.csproj", sentence);
    }

    private static uint BytesHere(MkStructId id) => (uint)MkLibrary.StructBytes.Single(s => s.Id == id).Bytes;
}
