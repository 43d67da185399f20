using System.Diagnostics;

namespace MegaInfer.Node;

/// <summary>
/// Ends this process when the process that started it is gone, also by SIGKILL: the starter holds the write end of our stdin and the kernel
/// closes it for the dead.
/// </summary>
internal static class StdinWatch
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>Calls <paramref name="onEof"/> at end of file, and kills the process if it still runs after a short grace.</summary>
    internal static void Start(Action onEof)
    {
        var thread = new Thread(() =>
        {
            Span<byte> ignored = stackalloc byte[64];
            using Stream stdin = Console.OpenStandardInput();
            while (stdin.Read(ignored) > 0)
            {
            }

            onEof();
            Thread.Sleep(Grace);
            using Process self = Process.GetCurrentProcess();
            self.Kill();
        })
        {
            Name = "stdin watch",
            IsBackground = true,
        };
        thread.Start();
    }
}
