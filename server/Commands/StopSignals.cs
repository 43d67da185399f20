using System.Runtime.InteropServices;

namespace MegaInfer.Server.Commands;

/// <summary>SIGTERM and SIGINT as tokens: the first asks to stop in good order, the second to hurry.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _hurry = new();
    private readonly PosixSignalRegistration _terminate;
    private readonly PosixSignalRegistration _interrupt;

    public StopSignals()
    {
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
    }

    public CancellationToken Stop => _stop.Token;

    public CancellationToken Hurry => _hurry.Token;

    public void Dispose()
    {
        _terminate.Dispose();
        _interrupt.Dispose();
        _stop.Dispose();
        _hurry.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        try
        {
            if (_stop.IsCancellationRequested)
                _hurry.Cancel();
            else
                _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It came while the command was already ending: ending a registration does not wait for a handler that runs.
        }
    }
}
