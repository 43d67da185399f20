using System.Net;
using System.Net.Sockets;
using MegaInfer.Engine;
using MegaInfer.Server.Hosting;
using Xunit;

namespace MegaInfer.Server.Tests.Hosting;

public sealed class ListenAddressTests
{
    [Theory]
    [InlineData("127.0.0.1:8080", "127.0.0.1:8080", true)]
    [InlineData("localhost:1", "127.0.0.1:1", true)]
    [InlineData("0.0.0.0:0", "0.0.0.0:0", false)]
    [InlineData("*:80", "0.0.0.0:80", false)]
    [InlineData("[::1]:80", "[::1]:80", true)]
    public void Parse_Address_IsRead(string text, string expected, bool isLoopback)
    {
        ListenAddress address = ListenAddress.Parse("--http", text);
        Assert.Equal(IPEndPoint.Parse(expected), address.EndPoint);
        Assert.Equal(isLoopback, address.IsLoopback);
    }

    [Theory]
    [InlineData("8080")]
    [InlineData(":8080")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:http")]
    [InlineData("127.0.0.1:70000")]
    public void Parse_Wrong_NamesTheFlag(string text) =>
        Assert.Contains("--http", Assert.Throws<MegaInferException>(() => ListenAddress.Parse("--http", text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Bind_BusyPort_NamesAddressAndFlag()
    {
        using var busy = new TcpListener(IPAddress.Loopback, 0);
        busy.Start();
        string text = busy.LocalEndpoint.ToString()!;
        string message = Assert.Throws<MegaInferException>(() => ListenAddress.Parse("--grpc", text).Bind()).Message;
        Assert.Contains($"{text} is in use", message, StringComparison.Ordinal);
        Assert.Contains("--grpc", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bind_PortOfAnotherServer_IsBusyToo()
    {
        using Socket first = ListenAddress.Parse("--http", "127.0.0.1:0").Bind();
        string text = first.LocalEndPoint!.ToString()!;
        Assert.Contains($"{text} is in use", Assert.Throws<MegaInferException>(() => ListenAddress.Parse("--http", text).Bind()).Message, StringComparison.Ordinal);
    }
}
