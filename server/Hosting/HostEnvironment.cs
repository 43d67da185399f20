namespace MegaInfer.Server.Hosting;

/// <summary>What a server takes from around it: an input, so that tests own it.</summary>
internal sealed record HostEnvironment
{
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IdentitySource Identities { get; init; } = IdentitySource.System;

    /// <summary>Where progress and log lines go; must be safe for several threads.</summary>
    public required TextWriter Log { get; init; }

    /// <summary>The folder of the server's executable, from which the nodes' are found.</summary>
    public string Folder { get; init; } = AppContext.BaseDirectory;

    /// <summary>False: nodes join from outside, and starting does not wait for them.</summary>
    public bool StartsChildren { get; init; } = true;
}
