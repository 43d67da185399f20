namespace MegaInfer.Server.OpenAi;

/// <summary>What becomes of a parameter. None is ever ignored where it would have changed the answer.</summary>
internal enum ParameterVerdict
{
    /// <summary>It does what it says.</summary>
    Honoured,

    /// <summary>It changes no answer anywhere (a label for the caller's own use), so it is taken and does nothing.</summary>
    Accepted,

    /// <summary>Any value that would change the answer is refused by name with 400.</summary>
    Refused,
}
