using System.Runtime.InteropServices;

namespace MegaInfer.M2N.Native;

/// <summary>Finds the native library once and compares its ABI version and struct sizes with what this assembly was compiled for.</summary>
internal static unsafe class M2NLibrary
{
    private static readonly Lazy<string?> Fault = new(() => FindFault(M2NNative.m2n_abi_version, M2NNative.m2n_struct_bytes));

    /// <exception cref="M2NException">The library is missing, or another version than this assembly.</exception>
    internal static void Require()
    {
        if (Fault.Value is { } sentence) throw new M2NException(M2NStatus.Refused, sentence);
    }

    /// <summary>The library's text for this thread's last failed call.</summary>
    internal static string LastError => Marshal.PtrToStringUTF8((nint)M2NNative.m2n_last_error()) ?? string.Empty;

    /// <summary>What is wrong with a library that answers like this, in one sentence; null if nothing is.</summary>
    internal static string? FindFault(Func<uint> abiVersion, Func<int, uint> structBytes)
    {
        string library = $"libm2n.so in {AppContext.BaseDirectory}";
        try
        {
            if (abiVersion() is var abi && abi != M2NNative.AbiVersion)
                return $"{library} has ABI version {abi} where this build expects {M2NNative.AbiVersion}; run ./megainfer build to build both again.";
            foreach ((m2n_struct which, int ours) in Sizes)
            {
                if (structBytes((int)which) is var theirs && theirs != ours)
                    return $"{library} has {theirs} bytes for {which} where this build expects {ours}; run ./megainfer build to build both again.";
            }

            return null;
        }
        catch (DllNotFoundException)
        {
            return $"libm2n.so was not found in {AppContext.BaseDirectory}; run ./megainfer build to build it.";
        }
        catch (EntryPointNotFoundException)
        {
            return $"{library} is older than this build; run ./megainfer build to build both again.";
        }
    }

    private static (m2n_struct Which, int Bytes)[] Sizes =>
    [
        (m2n_struct.Config, sizeof(m2n_config)),
        (m2n_struct.Group, sizeof(Group)),
        (m2n_struct.SlotView, sizeof(m2n_slot_view)),
        (m2n_struct.Message, sizeof(DispatchMessage)),
        (m2n_struct.Result, sizeof(ResultView)),
        (m2n_struct.Piece, sizeof(m2n_piece)),
        (m2n_struct.Batch, sizeof(m2n_batch)),
        (m2n_struct.Gather, sizeof(GatherWindow)),
        (m2n_struct.Counters, sizeof(M2NCounters)),
        (m2n_struct.Capabilities, sizeof(m2n_capabilities)),
    ];
}
