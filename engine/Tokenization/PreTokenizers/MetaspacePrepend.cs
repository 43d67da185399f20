namespace MegaInfer.Engine.Tokenization.PreTokenizers;

/// <summary>Which pieces get a mark in front.</summary>
internal enum MetaspacePrepend
{
    Never,

    /// <summary>Only the piece at the very start of the text.</summary>
    First,

    Always,
}
