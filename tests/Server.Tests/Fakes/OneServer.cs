using Xunit;

namespace MegaInfer.Server.Tests.Fakes;

/// <summary>One server with one answering attention node, for tests that only ask.</summary>
public sealed class OneServer : IAsyncLifetime
{
    internal TestServer Server { get; private set; } = null!;

    internal FakeAttentionNode Node { get; private set; } = null!;

    internal FakeNode Expert { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await TestServer.StartAsync();
        Expert = await FakeNode.ExpertAsync(Server);
        Node = await FakeAttentionNode.AttachAsync(Server);
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        await Expert.DisposeAsync();
        await Server.DisposeAsync();
    }
}
