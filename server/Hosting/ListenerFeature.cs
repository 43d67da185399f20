namespace MegaInfer.Server.Hosting;

/// <summary>Says through which door a connection came; set when it is accepted, so no header can pretend otherwise.</summary>
internal sealed record ListenerFeature(Listener Listener);
