using MegaInfer.Engine;
using MegaInfer.Kernels;
using MegaInfer.M2N;
using MegaInfer.Proto;

namespace MegaInfer.Node;

/// <summary>How a node's rows travel and where they lie, as the server's Welcome says.</summary>
public static class RowRoute
{
    /// <summary>A node's endpoint.</summary>
    /// <param name="welcome">What the server says.</param>
    /// <param name="role">Sender on an attention node, receiver on an expert node.</param>
    /// <param name="networkInterface">Over which other hosts are reached; empty: none.</param>
    /// <param name="context">Of this node.</param>
    public static M2NOptions Endpoint(Welcome welcome, M2NRole role, string networkInterface, KernelContext context)
    {
        M2nSettings settings = welcome.M2N;
        M2NTransport transport = Transport(settings.Transport, networkInterface);
        return new M2NOptions
        {
            Transport = transport,
            Interface = networkInterface,
            Role = role,
            Rank = new Rank((int)welcome.Rank),
            MaxPeers = (int)settings.MaxPeers,
            Slots = (int)settings.Slots,
            MaxRows = (int)settings.MaxRows,
            MaxPairs = (int)settings.MaxPairs,
            MaxGroups = (int)settings.MaxGroups,
            RowBytes = (int)settings.RowBytes,
            ResultBytes = (int)settings.ResultBytes,
            Secret = settings.Secret.IsEmpty ? new byte[M2NOptions.SecretBytes] : settings.Secret.Memory,
            RowMemory = Memory(settings, transport, context),
        };
    }

    // Pairs of one host share memory; a node with a network interface also meets others, as the server says.
    private static M2NTransport Transport(string name, string networkInterface) => name switch
    {
        "shm" => networkInterface.Length == 0 ? M2NTransport.Shm : M2NTransport.Auto,
        "tcp" => M2NTransport.Auto,
        "ucx" => M2NTransport.AutoUcx,
        "loopback" => M2NTransport.Loopback,
        _ => throw new MegaInferException($"The server asks for the M2N transport '{name}', which this node does not have; use shm, tcp, ucx or loopback."),
    };

    // Null: rows lie in the pairs' own memory, of the host.
    private static DeviceRows? Memory(M2nSettings settings, M2NTransport transport, KernelContext context)
    {
        if (!settings.DeviceRows)
            return null;
        if (transport is not (M2NTransport.Shm or M2NTransport.Loopback))
            throw new MegaInferException("Rows of this cluster lie in memory of its devices, which only nodes of one host share; start this node without --m2n-interface, or the server with --m2n-rows host.");
        return new DeviceRows(context, isBetweenProcesses: transport == M2NTransport.Shm);
    }
}
