using System.CommandLine;
using System.Text;
using MegaInfer.Engine;

namespace MegaInfer.Node;

/// <summary>The command line of both kinds of node.</summary>
internal sealed class NodeCommandLine
{
    private static readonly string[] Backends = ["auto", "reference", "avx2", "avx512", "avx512vnni", "avx512bf16", "cuda"];

    private readonly Option<string> _join = new("--join")
    {
        Description = "The server's control port, HOST:PORT.",
        Required = true,
        HelpName = "HOST:PORT",
    };

    private readonly Option<int> _childIndex = new("--child-index")
    {
        Description = "Given by a server to the nodes that it starts itself.",
        DefaultValueFactory = _ => -1,
        Hidden = true,
    };

    private readonly Option<string?> _model = new("--model") { Description = "The checkpoint's folder on this host, if it is not where the server has it." };
    private readonly Option<string?> _secretFile = new("--secret-file") { Description = "A file with the cluster secret." };
    private readonly Option<string?> _cores = new("--cores") { Description = "Cores that the node computes on, such as 0,2-3. Default: all of the process." };
    private readonly Option<int?> _threads = new("--threads") { Description = "Threads that compute. Default: what the server says, else one per core." };

    private readonly Option<string> _backend = new("--backend")
    {
        Description = "Kernels: auto (the best of this CPU), reference, avx2, avx512, avx512vnni, avx512bf16 or cuda (a GPU).",
        DefaultValueFactory = _ => "auto",
    };

    private readonly Option<string> _m2nInterface = new("--m2n-interface")
    {
        Description = "The network interface, on a trusted network, over which rows travel to and from other hosts. Default: none.",
        HelpName = "NAME",
        DefaultValueFactory = _ => "",
    };

    private readonly Option<bool> _exitOnStdinEof = new("--exit-on-stdin-eof") { Description = "Exit when stdin closes.", Hidden = true };

    internal NodeCommandLine(string description, Func<NodeOptions, Task<int>> run)
    {
        _backend.AcceptOnlyFromAmong(Backends);
        Command = new RootCommand(description) { _join, _childIndex, _model, _secretFile, _cores, _threads, _backend, _m2nInterface, _exitOnStdinEof };
        Command.SetAction((parsed, _) => run(Read(parsed)));
    }

    internal RootCommand Command { get; }

    private NodeOptions Read(ParseResult parsed) => new()
    {
        Server = ParseServer(parsed.GetRequiredValue(_join)),
        ChildIndex = parsed.GetValue(_childIndex),
        ModelFolder = parsed.GetValue(_model),
        Secret = parsed.GetValue(_secretFile) is { } file ? ReadSecret(file) : default,
        Cores = parsed.GetValue(_cores) is { } cores ? CoreList.Parse(cores) : [],
        Threads = parsed.GetValue(_threads) is { } threads ? CheckThreads(threads) : null,
        Backend = parsed.GetRequiredValue(_backend),
        M2NInterface = parsed.GetRequiredValue(_m2nInterface),
        ExitsOnStdinEof = parsed.GetValue(_exitOnStdinEof),
    };

    internal static Uri ParseServer(string text)
    {
        if (!text.Contains('/', StringComparison.Ordinal) && text.LastIndexOf(':') > 0
            && Uri.TryCreate($"http://{text}", UriKind.Absolute, out Uri? uri) && int.TryParse(text[(text.LastIndexOf(':') + 1)..], out int port) && port > 0)
            return uri;
        throw new MegaInferException($"'{text}' is not an address for --join; write HOST:PORT, such as 127.0.0.1:8082.");
    }

    private static byte[] ReadSecret(string file)
    {
        try
        {
            return Encoding.UTF8.GetBytes(File.ReadAllText(file).Trim());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MegaInferException($"The secret file {file} cannot be read: {error.Message}", error);
        }
    }

    private static int CheckThreads(int threads) =>
        threads >= 0 ? threads : throw new MegaInferException($"--threads {threads} is negative; write 0 for one per core.");
}
