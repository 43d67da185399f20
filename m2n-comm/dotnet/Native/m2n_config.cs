using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace MegaInfer.M2N.Native;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct m2n_config
{
    public uint struct_bytes;
    public int transport;
    public int role;
    public uint rank;
    public uint max_peers;
    public uint slots;
    public uint max_rows;
    public uint max_pairs;
    public uint max_groups;
    public uint row_bytes;
    public uint result_bytes;
    public uint spin_us;
    public uint yield_us;
    public uint reserved;
    public m2n_secret secret;
    public m2n_interface interface_name;
    public m2n_row_memory* row_memory;

    internal static m2n_config Of(M2NOptions options)
    {
        if (options.Secret.Length != M2NOptions.SecretBytes)
            throw new M2NException(M2NStatus.Invalid, $"An M2N secret has {M2NOptions.SecretBytes} bytes, not {options.Secret.Length}.");
        byte[] name = Encoding.UTF8.GetBytes(options.Interface);
        if (name.Length >= M2NOptions.InterfaceBytes)
            throw new M2NException(M2NStatus.Invalid, $"'{options.Interface}' is no name of a network interface: it has more than {M2NOptions.InterfaceBytes - 1} bytes.");
        var config = new m2n_config
        {
            struct_bytes = (uint)Unsafe.SizeOf<m2n_config>(),
            transport = (int)options.Transport,
            role = (int)options.Role,
            rank = (uint)options.Rank.Value,
            max_peers = (uint)options.MaxPeers,
            slots = (uint)options.Slots,
            max_rows = (uint)options.MaxRows,
            max_pairs = (uint)options.MaxPairs,
            max_groups = (uint)options.MaxGroups,
            row_bytes = (uint)options.RowBytes,
            result_bytes = (uint)options.ResultBytes,
            spin_us = (uint)options.SpinUs,
            yield_us = (uint)options.YieldUs,
        };
        options.Secret.Span.CopyTo(config.secret);
        name.CopyTo(config.interface_name);
        return config;
    }

    [InlineArray(M2NOptions.InterfaceBytes)]
    internal struct m2n_interface
    {
        private byte _first;
    }

    [InlineArray(M2NOptions.SecretBytes)]
    internal struct m2n_secret
    {
        private byte _first;
    }
}
