using System.Reflection;
using System.Runtime.InteropServices;
using MegaInfer.Kernels.Native;
using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Native;

/// <summary>Both sides of the border lay their structs out alike: sizes, field counts and the offset of every field.</summary>
public sealed class LayoutTests
{
    [Fact]
    public void ContextConfig_FieldByField_MatchesNative() => CheckLayout<MkContextConfig>(MkStructId.ContextConfig);

    [Fact]
    public void Matrix_FieldByField_MatchesNative() => CheckLayout<MatrixSource>(MkStructId.Matrix);

    [Fact]
    public void ExpertMatrices_FieldByField_MatchesNative() => CheckLayout<ExpertSource>(MkStructId.ExpertMatrices);

    [Fact]
    public void EmbedArgs_FieldByField_MatchesNative() => CheckLayout<EmbedArgs>(MkStructId.EmbedArgs);

    [Fact]
    public void RmsNormArgs_FieldByField_MatchesNative() => CheckLayout<RmsNormArgs>(MkStructId.RmsNormArgs);

    [Fact]
    public void GemmArgs_FieldByField_MatchesNative() => CheckLayout<GemmArgs>(MkStructId.GemmArgs);

    [Fact]
    public void RopeArgs_FieldByField_MatchesNative() => CheckLayout<RopeArgs>(MkStructId.RopeArgs);

    [Fact]
    public void KvWriteArgs_FieldByField_MatchesNative() => CheckLayout<KvWriteArgs>(MkStructId.KvWriteArgs);

    [Fact]
    public void PagedAttentionArgs_FieldByField_MatchesNative() => CheckLayout<PagedAttentionArgs>(MkStructId.PagedAttentionArgs);

    [Fact]
    public void GateTopKArgs_FieldByField_MatchesNative() => CheckLayout<GateTopKArgs>(MkStructId.GateTopKArgs);

    [Fact]
    public void ScatterRowsArgs_FieldByField_MatchesNative() => CheckLayout<ScatterRowsArgs>(MkStructId.ScatterRowsArgs);

    [Fact]
    public void GroupedFfnArgs_FieldByField_MatchesNative() => CheckLayout<GroupedFfnArgs>(MkStructId.GroupedFfnArgs);

    [Fact]
    public void CombineArgs_FieldByField_MatchesNative() => CheckLayout<CombineArgs>(MkStructId.CombineArgs);

    [Fact]
    public void LogSumExpArgs_FieldByField_MatchesNative() => CheckLayout<LogSumExpArgs>(MkStructId.LogSumExpArgs);

    [Fact]
    public void LayerNormArgs_FieldByField_MatchesNative() => CheckLayout<LayerNormArgs>(MkStructId.LayerNormArgs);

    [Fact]
    public void ClampArgs_FieldByField_MatchesNative() => CheckLayout<ClampArgs>(MkStructId.ClampArgs);

    [Fact]
    public void GemmHeadsArgs_FieldByField_MatchesNative() => CheckLayout<GemmHeadsArgs>(MkStructId.GemmHeadsArgs);

    [Fact]
    public void ExpertsShape_FieldByField_MatchesNative() => CheckLayout<ExpertsShape>(MkStructId.ExpertsShape);

    [Fact]
    public void MkStructId_EveryStructOfTheHeader_IsChecked()
    {
        int count = 0;
        while (NativeLayout((MkStructId)count).Bytes != 0) count++;
        Assert.Equal(Enum.GetValues<MkStructId>().Length, count);
        Assert.Equal(Enum.GetValues<MkStructId>(), MkLibrary.StructBytes.Select(s => s.Id));
    }

    private static unsafe void CheckLayout<T>(MkStructId id)
        where T : unmanaged
    {
        (uint bytes, uint[] offsets) = NativeLayout(id);
        Assert.Equal(bytes, (uint)sizeof(T));
        uint[] managed = [.. typeof(T)
            .GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .OrderBy(f => f.MetadataToken)
            .Select(f => (uint)Marshal.OffsetOf<T>(f.Name))];
        Assert.Equal(offsets, managed);
    }

    private static unsafe (uint Bytes, uint[] Offsets) NativeLayout(MkStructId id)
    {
        uint[] offsets = new uint[32];
        uint fields;
        fixed (uint* first = offsets)
        {
            uint bytes = MkNative.mk_struct_layout(id, first, (uint)offsets.Length, &fields);
            return (bytes, bytes == 0 ? [] : offsets[..(int)fields]);
        }
    }
}
