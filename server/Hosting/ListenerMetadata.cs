namespace MegaInfer.Server.Hosting;

/// <summary>On an endpoint: the door at which it answers.</summary>
internal sealed record ListenerMetadata(Listener Listener);
