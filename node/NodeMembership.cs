namespace MegaInfer.Node;

/// <summary>
/// A node's memberships, one after another: a child has one and ends with its server; a node from outside dials again when the server is gone, so that
/// a restarted server finds it.
/// </summary>
public sealed class NodeMembership(NodeOptions options, INode node, TimeProvider time, TextWriter log)
{
    /// <summary>Runs until the node has left; the result is the process' exit code.</summary>
    /// <param name="drain">Finish what runs, then leave.</param>
    /// <param name="stop">Leave at once.</param>
    /// <exception cref="Engine.MegaInferException">The server refused the node, or the node failed: the sentence to print.</exception>
    public async Task<int> RunAsync(CancellationToken drain, CancellationToken stop)
    {
        var policy = new DialPolicy(options.IsChild);
        int failures = 0;
        using CancellationTokenSource waiting = CancellationTokenSource.CreateLinkedTokenSource(drain, stop);
        while (!waiting.IsCancellationRequested)
        {
            using var session = new NodeSession(options, node, time);
            SessionEnd end = await session.RunAsync(drain, stop);
            if (end == SessionEnd.Left || waiting.IsCancellationRequested)
                return ExitCode.Left;
            if (end == SessionEnd.ServerLost)
            {
                failures = 0;
                if (options.IsChild)
                    return ExitCode.ServerLost;
                await log.WriteLineAsync($"The server at {options.Server.Authority} is gone; dialling until it is back.");
            }

            failures++;
            if (policy.NextDelay(failures) is not { } delay)
                return await GiveUpAsync();
            if (failures == 1 && end == SessionEnd.NotReached && !options.IsChild)
                await log.WriteLineAsync($"No server answers at {options.Server.Authority}; dialling until one does. Check --join if this is not expected.");
            await Task.Delay(delay, time, waiting.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return ExitCode.Left;
    }

    private async Task<int> GiveUpAsync()
    {
        await log.WriteLineAsync($"No server answers at {options.Server.Authority}; start it first, or correct --join.");
        return ExitCode.ServerLost;
    }
}
