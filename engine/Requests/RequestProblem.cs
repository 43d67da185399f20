namespace MegaInfer.Engine.Requests;

/// <summary>Why a request cannot be served as it is.</summary>
/// <param name="Field">The field as clients spell it: <c>top_p</c>, <c>max_tokens</c>, <c>prompt</c>.</param>
/// <param name="Message">One sentence that names the field, what is allowed and what was found.</param>
public sealed record RequestProblem(string Field, string Message);
