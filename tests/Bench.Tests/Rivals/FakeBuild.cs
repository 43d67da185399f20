using System.Diagnostics;
using MegaInfer.Bench.Rivals;

namespace MegaInfer.Bench.Tests.Rivals;

/// <summary>A folder with programs of the rivals' names that print what the real ones did.</summary>
internal sealed class FakeBuild : IDisposable
{
    public const string LlamaHelp = "usage: llama-bench [options]\n  -d, --n-depth <n>  (default: 0)\n  -C, --cpu-mask <hex,hex>  (default: 0x0)\n";
    public const string IkHelp = "usage: llama-bench [options]\n  -rtr, --run-time-repack <0|1>       (default: 0)\n  -fmoe, --fused-moe <0|1>            (default: 1)\n";
    public const string VersionText = "version: 0 (unknown)\nbuilt with GNU 12.2.0 for Linux x86_64\n";

    private readonly TemporaryFolder _folder = new();

    public FakeBuild(string help = LlamaHelp)
    {
        Add("llama-bench", $"[ \"$1\" = --help ] && {Print(help)} && exit 0\n{Print(RivalOutputTests.LlamaTest)}");
        Add("llama-batched-bench", $"[ \"$1\" = --version ] && {Print(VersionText)} >&2 && exit 0\n{Print(RivalOutputTests.LlamaTable)}");
        Add("llama-quantize", "echo \"$3\" > \"$2\"");
    }

    public string Folder => _folder.Path;

    public string this[string name] => _folder[name];

    public RivalBuild Open() => RivalBuild.Open(Folder);

    /// <summary>Adds a program, or replaces it.</summary>
    public void Add(string program, string body, string interpreter = "/bin/sh")
    {
        // Written by another process: what this one has open for writing, a child that another test forks meanwhile has too, and then it cannot be run.
        using Process writer = Process.Start(new ProcessStartInfo("sh", ["-c", "cat > \"$0\" && chmod +x \"$0\"", _folder[program]]) { RedirectStandardInput = true })!;
        writer.StandardInput.Write($"#!{interpreter}\n{body}\n");
        writer.StandardInput.Close();
        writer.WaitForExit();
    }

    public void Dispose() => _folder.Dispose();

    private static string Print(string text) => $"printf '%s' '{text}'";
}
