using MegaInfer.M2N.Native;

namespace MegaInfer.M2N;

/// <summary>What a transport promises, and whether it can be had here.</summary>
public sealed record M2NCapabilities
{
    /// <summary>Null where endpoints can be opened; else what is missing, in one sentence.</summary>
    public required string? WhyNot { get; init; }

    public bool IsAvailable => WhyNot is null;

    /// <summary>Peers may be other processes.</summary>
    public required bool CrossesProcesses { get; init; }

    /// <summary>Peers may be on other hosts.</summary>
    public required bool CrossesHosts { get; init; }

    /// <summary>A slot's addresses are the peer's memory; else a mirror of it that is sent from here.</summary>
    public required bool ProducesInPlace { get; init; }

    /// <summary>A killed peer fails its tickets within about this; zero: only their deadlines do.</summary>
    public required TimeSpan DeathNotice { get; init; }

    /// <summary>A network interface must be named.</summary>
    public required bool NeedsInterface { get; init; }

    /// <exception cref="M2NException">The native library is missing or of another version, or the transport is unknown.</exception>
    public static unsafe M2NCapabilities Of(M2NTransport transport)
    {
        M2NLibrary.Require();
        m2n_capabilities native;
        M2NStatus status = M2NNative.m2n_transport_capabilities(transport, &native);
        if (status != M2NStatus.Ok)
            throw new M2NException(status, $"m2n_transport_capabilities: {M2NLibrary.LastError}");
        return new M2NCapabilities
        {
            WhyNot = native.available != 0 ? null : M2NLibrary.LastError,
            CrossesProcesses = native.across_process != 0,
            CrossesHosts = native.across_host != 0,
            ProducesInPlace = native.in_place != 0,
            DeathNotice = TimeSpan.FromMicroseconds(native.death_notice_us),
            NeedsInterface = native.needs_interface != 0,
        };
    }
}
