using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>One half of a decoder layer: attention, or what follows it. Takes normalised rows, returns what is added to the residual.</summary>
internal interface IOracleBlock
{
    /// <summary>[tokens, hidden] -> [tokens, hidden]</summary>
    torch.Tensor Forward(torch.Tensor x);
}
