using MegaInfer.Server.Cluster;
using MegaInfer.Server.Grpc;
using MegaInfer.Server.Health;
using MegaInfer.Server.OpenAi;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MegaInfer.Server.Hosting;

/// <summary>Builds the web server: three doors, each with its own services, and what every request passes through.</summary>
internal static class WebServer
{
    /// <summary>A request's body at most.</summary>
    public const long MaxBodyBytes = 32L << 20;

    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(2);

    public static WebApplication Build(Doors doors, ServerParts parts, TextWriter log)
    {
        // Empty: no configuration files, no environment variables, nothing that is not named here.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddProvider(new StderrLoggerProvider(log));
        builder.WebHost.UseKestrelCore();
        doors.Configure(builder.WebHost);
        builder.WebHost.ConfigureKestrel(SetLimits);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc(options => options.MaxReceiveMessageSize = (int)MaxBodyBytes)
            .AddServiceOptions<ClusterService>(options => options.MaxReceiveMessageSize = null);
        Register(builder.Services, parts);

        WebApplication app = builder.Build();
        app.Use(next => context => IsAt(context, Listener.Control) ? next(context) : parts.InFlight.CountAsync(() => next(context)));
        app.UseWhen(context => IsAt(context, Listener.Http), http => http.UseOpenAiShape(parts));
        app.UseRouting();
        app.Use(next => context => KeepToItsDoor(context, next));
        app.MapGrpcService<ClusterService>().WithMetadata(new ListenerMetadata(Listener.Control));
        app.MapGrpcService<InferenceService>().WithMetadata(new ListenerMetadata(Listener.Grpc));
        app.MapGrpcService<RolloutService>().WithMetadata(new ListenerMetadata(Listener.Grpc));
        app.MapOpenAi(parts).WithMetadata(new ListenerMetadata(Listener.Http));
        app.MapHealth(parts).WithMetadata(new ListenerMetadata(Listener.Http));
        return app;
    }

    private static void SetLimits(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        options.Limits.MaxRequestBodySize = MaxBodyBytes;
        // A host that vanished without closing its connections is found by pings.
        options.Limits.Http2.KeepAlivePingDelay = PingDelay;
        options.Limits.Http2.KeepAlivePingTimeout = PingDelay;
    }

    private static void Register(IServiceCollection services, ServerParts parts)
    {
        services.AddSingleton(parts);
        services.AddSingleton(_ => new ClusterService(parts));
        services.AddSingleton(_ => new InferenceService(parts));
        services.AddSingleton(_ => new RolloutService(parts));
    }

    private static bool IsAt(HttpContext context, Listener listener) => context.Features.Get<ListenerFeature>()?.Listener == listener;

    private static Task KeepToItsDoor(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<ListenerMetadata>() is { } door && !IsAt(context, door.Listener))
            context.SetEndpoint(null);
        return next(context);
    }
}
