using MegaInfer.Bench.Processes;
using MegaInfer.Bench.Rivals;

namespace MegaInfer.Bench.Serving;

/// <summary>A server that runs.</summary>
internal interface IServed : IAsyncDisposable
{
    Uri Http { get; }

    int ProcessId { get; }
}

/// <summary>Ours, with its nodes.</summary>
internal sealed class ServedServer(ServedCluster cluster) : IServed
{
    public Uri Http => new($"{cluster.Http.ToString().TrimEnd('/')}/");

    public int ProcessId => cluster.ProcessId;

    /// <summary>Returns when its weights have settled too.</summary>
    public static async Task<ServedServer> StartAsync(IEnumerable<string> arguments, CancellationToken cancel) => new(await ServedCluster.StartSettledAsync(arguments, cancel));

    public ValueTask DisposeAsync() => cluster.DisposeAsync();
}

/// <summary>A rival's.</summary>
internal sealed class RivalServed(RivalServer server) : IServed
{
    public Uri Http => server.BaseUrl;

    public int ProcessId => server.ProcessId;

    public ValueTask DisposeAsync() => server.DisposeAsync();
}

/// <summary>A server that can be started for a measurement and ended after it, so that only one holds the cores and the memory.</summary>
/// <param name="Name">As reports name it.</param>
/// <param name="Model">As requests name it.</param>
/// <param name="Vocabulary">Prompts are random ids below it.</param>
/// <param name="Start">Starts it.</param>
internal sealed record ServingEngine(string Name, string Model, int Vocabulary, Func<CancellationToken, Task<IServed>> Start)
{
    /// <summary>llama.cpp's server on a GGUF export of the same folder, which is made if there is none.</summary>
    /// <param name="rival">The build.</param>
    /// <param name="folder">The checkpoint's.</param>
    /// <param name="like">An engine of the same model.</param>
    /// <param name="slots">Sequences at a time.</param>
    /// <param name="contextPerSlot">Tokens of each.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="cancel">Breaks the export off.</param>
    internal static async Task<ServingEngine> OfRivalAsync(
        RivalBuild rival, string folder, ServingEngine like, int slots, int contextPerSlot, int threads, CancellationToken cancel)
    {
        string gguf = await GgufExport.EnsureAsync(folder, "bf16", rival, new Progress<string>(Console.Error.WriteLine), cancel);
        return like with { Name = rival.Engine, Start = async stop => new RivalServed(await rival.StartServerAsync(gguf, slots, contextPerSlot, threads, stop)) };
    }

    /// <summary>Starts, warms up with two short requests at a time, measures, ends.</summary>
    internal async Task<LoadResult> MeasureAsync(LoadShape shape, CancellationToken cancel)
    {
        await using IServed served = await Start(cancel);
        LoadShape warm = shape with { Rate = 0, Streams = 2, Requests = 4, GenerateLength = Math.Min(16, shape.GenerateLength), Seed = shape.Seed + 1 };
        await HttpLoad.RunAsync(served.Http, served.ProcessId, Model, warm, Vocabulary, cancel);
        return await HttpLoad.RunAsync(served.Http, served.ProcessId, Model, shape, Vocabulary, cancel);
    }
}
