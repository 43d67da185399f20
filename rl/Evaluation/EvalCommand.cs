using System.CommandLine;
using System.Text.Json;
using Spectre.Console;

namespace MegaInfer.Rl.Evaluation;

/// <summary>The verb <c>eval</c>: scores a model through a server's OpenAI endpoint and prints a table.</summary>
internal static class EvalCommand
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>The command with its options; exit status 0 only if everything was measured.</summary>
    public static Command Create()
    {
        Option<string?> url = new("--url") { Description = "A running server, such as http://127.0.0.1:8080. Default: start one for the evaluation." };
        Option<string?> model = new("--model") { Description = "With --url the model's name (default: the first listed), else the folder or name to serve." };
        Option<string?> key = new("--api-key") { Description = "The server's API key." };
        Option<int> prompts = new("--prompts") { Description = "Prompts of each exact class.", DefaultValueFactory = _ => 200 };
        Option<int> hard = new("--hard-prompts") { Description = "Prompts of each hard class.", DefaultValueFactory = _ => 60 };
        Option<int> samples = new("--samples") { Description = "Samples of each hard prompt, at temperature 1.", DefaultValueFactory = _ => 8 };
        Option<string?> json = new("--json") { Description = "Also write the scores to this file." };
        foreach (Option<int> count in new[] { prompts, hard, samples })
            count.Validators.Add(result => { if (result.GetValueOrDefault<int>() < 1) result.AddError($"{count.Name} must be at least 1."); });
        Command command = new("eval", "Score a model through a server: exact answers by class, on problems that were never trained.")
        {
            url, model, key, prompts, hard, samples, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            EvaluationSize size = new(parsed.GetValue(prompts), parsed.GetValue(hard), parsed.GetValue(samples));
            try
            {
                await MeasureAsync(parsed.GetValue(url), parsed.GetValue(model), parsed.GetValue(key), size, parsed.GetValue(json), cancellation);
                return 0;
            }
            catch (Exception failure) when (failure is EvaluationException or IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine(failure.Message);
                return 1;
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine("The evaluation was interrupted.");
                return 1;
            }
        });
        return command;
    }

    private static async Task MeasureAsync(string? url, string? model, string? key, EvaluationSize size, string? json, CancellationToken cancellation)
    {
        await using LocalServer? own = url is null ? await LocalServer.StartAsync(model, cancellation) : null;
        using ChatClient client = await ChatClient.ConnectAsync(own?.Url ?? url!, key, own is null ? model : null, cancellation);
        IReadOnlyList<ClassScore> scores = [];
        await AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async progress =>
            {
                ProgressTask bar = progress.AddTask($"asking {client.Model}");
                void Report(int finished, int all) => bar.Value = 100.0 * finished / all;
                scores = await new ServerEvaluation(client, size).RunAsync(Report, cancellation);
            });
        AnsiConsole.Write(TableOf(scores));
        if (json is not null)
            await File.WriteAllTextAsync(json, JsonSerializer.Serialize(new { model = client.Model, classes = scores }, Json) + "\n", cancellation);
    }

    private static Table TableOf(IReadOnlyList<ClassScore> scores)
    {
        Table table = new();
        foreach (string column in new[] { "class", "n", "samples", "temperature", "exact %", "mixed prompts" })
            table.AddColumn(column);
        foreach (ClassScore score in scores)
        {
            table.AddRow(
                score.Name, score.Prompts.ToString(), score.Samples.ToString(), score.Temperature.ToString(), (100 * score.Exact).ToString("F1"),
                score.Samples == 1 ? "-" : score.Mixed.ToString());
        }
        return table;
    }
}
