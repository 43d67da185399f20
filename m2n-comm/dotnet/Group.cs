using System.Runtime.InteropServices;

namespace MegaInfer.M2N;

/// <summary>A run of consecutive pairs of one key (an expert id). Keys are strictly ascending within a piece; <paramref name="Pairs"/> is at least 1.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct Group(uint Key, uint Pairs);
