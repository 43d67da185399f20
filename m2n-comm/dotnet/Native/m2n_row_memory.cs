using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;

namespace MegaInfer.M2N.Native;

/// <summary>Calls an <see cref="IRowMemory"/> from native code. What is given out is remembered here, because it may outlive the endpoint that asked for it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct m2n_row_memory
{
    public nint user;
    public delegate* unmanaged[Cdecl]<nint, ulong, nint> allocate;
    public delegate* unmanaged[Cdecl]<nint, void> release;
    public delegate* unmanaged[Cdecl]<nint, nint, int> share;
    public delegate* unmanaged[Cdecl]<nint, int, ulong, nint> map;

    private static readonly ConcurrentDictionary<nint, IDisposable> Given = new();

    internal static m2n_row_memory Of(GCHandle provider) =>
        new() { user = GCHandle.ToIntPtr(provider), allocate = &Allocate, release = &Release, share = &Share, map = &Map };

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Allocate(nint user, ulong bytes)
    {
        try
        {
            IDisposable owner = ((IRowMemory)GCHandle.FromIntPtr(user).Target!).Allocate(checked((long)bytes), out DeviceAddress address);
            Given[address.Value] = owner;
            return address.Value;
        }
        catch (Exception)
        {
            return 0; // nothing thrown crosses the border; the connection fails with a sentence
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Share(nint user, nint address)
    {
        try
        {
            return ((IRowMemory)GCHandle.FromIntPtr(user).Target!).Share(new DeviceAddress(address));
        }
        catch (Exception)
        {
            return -1;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Map(nint user, int descriptor, ulong bytes)
    {
        try
        {
            IDisposable owner = ((IRowMemory)GCHandle.FromIntPtr(user).Target!).Map(descriptor, checked((long)bytes), out DeviceAddress address);
            Given[address.Value] = owner;
            return address.Value;
        }
        catch (Exception)
        {
            return 0; // the connection is refused
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(nint address)
    {
        if (Given.TryRemove(address, out IDisposable? owner))
            owner.Dispose();
    }
}
