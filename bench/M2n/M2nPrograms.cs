using System.Diagnostics;
using MegaInfer.Engine;

namespace MegaInfer.Bench.M2n;

/// <summary>The native programs that measure, built from <c>bench/M2n/native</c> when they are needed. A rival whose package is missing is named and left out.</summary>
internal sealed class M2nPrograms
{
    private static readonly TimeSpan BuildBound = TimeSpan.FromMinutes(10);

    private readonly Dictionary<string, string> _files = [];
    private readonly List<string> _missing = [];

    private M2nPrograms()
    {
    }

    /// <summary>What is not measured, each with the reason.</summary>
    public IReadOnlyList<string> Missing => _missing;

    public static string Root { get; } = FindRoot();

    public string? Find(string program) => _files.GetValueOrDefault(program);

    /// <exception cref="MegaInferException">Our own program cannot be built.</exception>
    public static async Task<M2nPrograms> BuildAsync(string folder, CancellationToken cancel)
    {
        Directory.CreateDirectory(folder);
        string library = Path.Combine(Root, "build", "native", "release", "lib");
        var programs = new M2nPrograms();
        string? fault = await programs.CompileAsync(
            folder, "m2n", "c++", [$"-I{Path.Combine(Root, "m2n-comm", "include")}", $"-L{library}", $"-Wl,-rpath,{library}", "-lm2n"], cancel);
        fault ??= await programs.CompileAsync(folder, "limits", "c++", [], cancel);
        fault ??= await programs.CompileAsync(folder, "tcp", "c++", [], cancel);
        if (fault is not null)
            throw new MegaInferException($"The measuring programs cannot be built: {fault}");
        if (await programs.CompileAsync(folder, "mpi", "mpicxx", [], cancel) is not null)
            programs._missing.Add("Open MPI (Debian packages openmpi-bin and libopenmpi-dev)");
        if (await programs.CompileAsync(folder, "ucx", "c++", ["-lucp", "-lucs"], cancel) is not null)
            programs._missing.Add("UCX (Debian package libucx-dev)");
        return programs;
    }

    /// <summary>What is wrong, or null.</summary>
    private async Task<string?> CompileAsync(string folder, string name, string compiler, string[] flags, CancellationToken cancel)
    {
        string source = Path.Combine(Root, "bench", "M2n", "native", name == "limits" ? "limits.cpp" : $"{name}_rounds.cpp");
        string file = Path.Combine(folder, name);
        var start = new ProcessStartInfo(compiler, ["-O2", "-march=native", "-std=c++20", source, "-o", file, .. flags]) { RedirectStandardError = true, RedirectStandardOutput = true };
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> said = process.StandardError.ReadToEndAsync(cancel);
            await process.WaitForExitAsync(cancel).WaitAsync(BuildBound, cancel);
            if (process.ExitCode != 0)
                return await said;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return $"{compiler} is missing";
        }

        _files[name] = file;
        return null;
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MegaInfer.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? AppContext.BaseDirectory;
    }
}
