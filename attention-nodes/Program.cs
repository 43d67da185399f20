using MegaInfer.AttentionNodes.Control;
using MegaInfer.Node;

return await NodeProgram.RunAsync(
    args, "MegaInfer attention node: schedules sequences, holds their KV cache, computes attention, samples.", options => new AttentionNodeMember(options));
