namespace MegaInfer.M2N;

/// <summary>Which side of a pair an endpoint is.</summary>
public enum M2NRole
{
    /// <summary>An attention node: dispatches rows and combines results.</summary>
    Sender = 0,

    /// <summary>An expert node: receives rows and returns results.</summary>
    Receiver = 1,
}
