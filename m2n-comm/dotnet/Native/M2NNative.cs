using System.Runtime.InteropServices;

namespace MegaInfer.M2N.Native;

/// <summary>The exports of <c>m2n.h</c>, names kept. Only <see cref="M2NEndpoint"/>, <see cref="M2NEndpointHandle"/> and <see cref="M2NLibrary"/> call them.</summary>
internal static unsafe partial class M2NNative
{
    internal const string Library = "m2n";
    internal const uint AbiVersion = 5;
    internal const int AddressBytes = 256;

    [LibraryImport(Library)]
    internal static partial uint m2n_abi_version();

    [LibraryImport(Library)]
    internal static partial uint m2n_struct_bytes(int which);

    [LibraryImport(Library)]
    internal static partial byte* m2n_last_error();

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_endpoint_open(m2n_config* config, nint* endpoint);

    [LibraryImport(Library)]
    internal static partial void m2n_endpoint_close(nint endpoint);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_endpoint_address(M2NEndpointHandle endpoint, byte* address, uint capacity, uint* length);

    [LibraryImport(Library)]
    internal static partial void m2n_wake(M2NEndpointHandle endpoint);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_connect(M2NEndpointHandle endpoint, uint peer, byte* address, uint length, uint waitUs);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_disconnect(M2NEndpointHandle endpoint, uint peer);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_peer_state(M2NEndpointHandle endpoint, uint peer);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_peer_transport(M2NEndpointHandle endpoint, uint peer, M2NTransport* transport);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_transport_capabilities(M2NTransport transport, m2n_capabilities* capabilities);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_slot_open(
        M2NEndpointHandle endpoint, uint slot, uint peer, uint rows, uint pairs, uint groups, m2n_slot_view* view);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_dispatch(M2NEndpointHandle endpoint, uint slot, DispatchMessage* message, ulong* ticket);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_combine(
        M2NEndpointHandle endpoint, ulong ticket, uint waitUs, ResultView* results, uint capacity, uint* count);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_release(M2NEndpointHandle endpoint, ulong ticket);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_receive(M2NEndpointHandle endpoint, GatherWindow* gather, uint waitUs, m2n_batch* batch);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_return(M2NEndpointHandle endpoint, m2n_batch* batch, M2NStatus status, ulong computeNs);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_return_piece(
        M2NEndpointHandle endpoint, m2n_batch* batch, uint piece, M2NStatus status, ulong computeNs);

    [LibraryImport(Library)]
    internal static partial M2NStatus m2n_endpoint_counters(M2NEndpointHandle endpoint, M2NCounters* counters);
}
