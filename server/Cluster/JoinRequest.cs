using System.Net;
using MegaInfer.Engine.Cluster;

namespace MegaInfer.Server.Cluster;

/// <summary>A node at the door, its version and secret already checked.</summary>
/// <param name="Role">The pool it wants to join.</param>
/// <param name="Host">Its host's name, for people.</param>
/// <param name="Pid">Its process there.</param>
/// <param name="ChildIndex">The number the server gave it; -1: it comes from outside.</param>
/// <param name="Address">Where its connection comes from.</param>
internal sealed record JoinRequest(NodeRole Role, string Host, int Pid, int ChildIndex, IPAddress? Address = null);
