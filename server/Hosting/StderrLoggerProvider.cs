namespace MegaInfer.Server.Hosting;

/// <summary>Logs to standard error, one line each; standard output belongs to the command.</summary>
internal sealed class StderrLoggerProvider(TextWriter output) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new LineLogger(output, categoryName.StartsWith("MegaInfer", StringComparison.Ordinal));

    public void Dispose()
    {
    }

    private sealed class LineLogger(TextWriter output, bool isOwn) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        // What the frameworks say below a warning is about them, not about requests.
        public bool IsEnabled(LogLevel logLevel) => logLevel >= (isOwn ? LogLevel.Information : LogLevel.Error) && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            string level = logLevel switch
            {
                LogLevel.Warning => "warning: ",
                >= LogLevel.Error => "error: ",
                _ => "",
            };
            output.WriteLine($"megainfer: {level}{formatter(state, exception)}{(exception is null ? "" : Environment.NewLine + exception)}");
        }
    }
}
