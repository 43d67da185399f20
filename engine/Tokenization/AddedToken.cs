namespace MegaInfer.Engine.Tokenization;

/// <summary>A token that is found in the text as it stands, before any splitting or merging.</summary>
/// <param name="Id">Token id.</param>
/// <param name="Content">The text it stands for.</param>
/// <param name="IsSpecial">Left out by a decode that skips special tokens.</param>
/// <param name="StripsLeft">Swallows white space before it.</param>
/// <param name="StripsRight">Swallows white space after it.</param>
/// <param name="IsNormalized">Looked for in the normalized text rather than in the raw one.</param>
/// <param name="IsSingleWord">Found only where no word character touches it.</param>
internal sealed record AddedToken(
    int Id, string Content, bool IsSpecial, bool StripsLeft, bool StripsRight, bool IsNormalized, bool IsSingleWord)
{
    /// <summary>
    /// Whether users may not write it themselves when special tokens are not parsed. Runs of white space are the only added
    /// tokens that ordinary text is meant to contain; everything else ("&lt;|im_start|&gt;", and also "&lt;｜User｜&gt;" or
    /// "&lt;tool_call&gt;", which their files do not mark special) steers the model.
    /// </summary>
    public bool IsControl => !string.IsNullOrWhiteSpace(Content);
}
