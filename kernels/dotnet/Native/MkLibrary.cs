using MegaInfer.Kernels.Operations;

namespace MegaInfer.Kernels.Native;

/// <summary>
/// Finds libmegakernels.so once per process and compares its ABI version and struct sizes with this assembly's, so that a stale library is a sentence
/// at start and not a wrong number later.
/// </summary>
internal static unsafe class MkLibrary
{
    private const string FileName = "lib" + MkNative.Library + ".so";
    private const string BuildCommand = "dotnet build kernels/dotnet/MegaInfer.Kernels.csproj -c Release";

    private static readonly Lazy<string?> Problem = new(Check);

    /// <summary>Throws <see cref="KernelException"/> unless the library is there and fits. Cheap after the first call.</summary>
    public static void EnsureUsable()
    {
        if (Problem.Value is { } sentence)
            throw new KernelException(sentence);
    }

    /// <summary>The sentence for a library that cannot be loaded from <paramref name="folder"/>.</summary>
    internal static string MissingSentence(string folder, string reason) =>
        $"The native library {FileName} could not be loaded from {folder} or the system's library path ({reason}); build it with: {BuildCommand}";

    /// <summary>A sentence if a version or a size differs, else null.</summary>
    internal static string? MismatchSentence(uint libraryVersion, Func<MkStructId, uint> libraryBytes)
    {
        if (libraryVersion != MkNative.AbiVersion)
        {
            return $"{FileName} has ABI version {libraryVersion}, but this program needs {MkNative.AbiVersion}; rebuild it with: {BuildCommand}";
        }
        foreach ((MkStructId id, int bytes) in StructBytes)
        {
            uint native = libraryBytes(id);
            if (native != bytes)
            {
                return $"{FileName} lays out {id} in {native} bytes, but this program in {bytes}; rebuild both with: {BuildCommand}";
            }
        }
        return null;
    }

    internal static readonly (MkStructId Id, int Bytes)[] StructBytes =
    [
        (MkStructId.ContextConfig, sizeof(MkContextConfig)),
        (MkStructId.Matrix, sizeof(MatrixSource)),
        (MkStructId.ExpertMatrices, sizeof(ExpertSource)),
        (MkStructId.EmbedArgs, sizeof(EmbedArgs)),
        (MkStructId.RmsNormArgs, sizeof(RmsNormArgs)),
        (MkStructId.GemmArgs, sizeof(GemmArgs)),
        (MkStructId.RopeArgs, sizeof(RopeArgs)),
        (MkStructId.KvWriteArgs, sizeof(KvWriteArgs)),
        (MkStructId.PagedAttentionArgs, sizeof(PagedAttentionArgs)),
        (MkStructId.GateTopKArgs, sizeof(GateTopKArgs)),
        (MkStructId.ScatterRowsArgs, sizeof(ScatterRowsArgs)),
        (MkStructId.GroupedFfnArgs, sizeof(GroupedFfnArgs)),
        (MkStructId.CombineArgs, sizeof(CombineArgs)),
        (MkStructId.LogSumExpArgs, sizeof(LogSumExpArgs)),
        (MkStructId.LayerNormArgs, sizeof(LayerNormArgs)),
        (MkStructId.ClampArgs, sizeof(ClampArgs)),
        (MkStructId.GemmHeadsArgs, sizeof(GemmHeadsArgs)),
        (MkStructId.ExpertsShape, sizeof(ExpertsShape)),
    ];

    private static string? Check()
    {
        try
        {
            return MismatchSentence(MkNative.mk_abi_version(), id => MkNative.mk_struct_layout(id, null, 0, null));
        }
        catch (DllNotFoundException)
        {
            string file = Path.Combine(AppContext.BaseDirectory, FileName);
            return MissingSentence(AppContext.BaseDirectory, File.Exists(file) ? "the file there is damaged" : "no such file");
        }
        catch (EntryPointNotFoundException)
        {
            return $"{FileName} is older than this program; rebuild it with: {BuildCommand}";
        }
    }
}
