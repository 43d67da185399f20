namespace MegaInfer.M2N;

/// <summary>What a call, or one piece of a ticket, came to. The numbers are those of <c>m2n.h</c>; negative ones are failures.</summary>
public enum M2NStatus
{
    Ok = 0,

    /// <summary>Not yet; the wait's bound passed and nothing is wrong.</summary>
    Pending = 1,

    /// <summary><see cref="M2NEndpoint.Wake"/> ended the wait.</summary>
    Woken = 2,

    /// <summary>An argument, or a peer's message, is out of contract.</summary>
    Invalid = -1,

    /// <summary>The peer died, left, or its region is gone.</summary>
    PeerLost = -2,

    /// <summary>The ticket's deadline passed.</summary>
    Timeout = -3,

    Internal = -4,

    /// <summary>The receiver does not hold the weight version.</summary>
    VersionMissing = -5,

    /// <summary>The receiver does not hold a group's key.</summary>
    Misplaced = -6,

    /// <summary>Wrong secret, sizes or ABI at connect, or no room for another peer.</summary>
    Refused = -7,
}
