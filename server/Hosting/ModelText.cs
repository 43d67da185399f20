using MegaInfer.Engine.ChatTemplates;
using MegaInfer.Engine.Tokenization;

namespace MegaInfer.Server.Hosting;

/// <summary>The text side of the served model. Immutable; any thread.</summary>
/// <param name="Tokenizer">Text to ids and back.</param>
/// <param name="Template">Conversations to prompts; null where the folder has none, and chat is refused.</param>
/// <param name="Defaults">Sampling where a request says nothing.</param>
internal sealed record ModelText(Tokenizer Tokenizer, ChatTemplate? Template, GenerationDefaults Defaults)
{
    /// <exception cref="Engine.MegaInferException">A file of the folder cannot be used.</exception>
    public static ModelText Load(string folder) => new(Tokenizer.Load(folder), ChatTemplate.TryLoad(folder), GenerationDefaults.Read(folder));

    /// <summary>A text as it is: with the tokens that the model puts around every text, and special tokens inside it taken for what they are.</summary>
    public int[] EncodePlain(string text) => Tokenizer.Encode(text, addSpecialTokens: true, parseSpecial: true);

    /// <summary>The text of a rendered chat template, which writes every special token itself.</summary>
    public int[] EncodeRendered(string text) => Tokenizer.Encode(text, addSpecialTokens: false, parseSpecial: true);
}
