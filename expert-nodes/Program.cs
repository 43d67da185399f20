using MegaInfer.ExpertNodes.Control;
using MegaInfer.Node;

return await NodeProgram.RunAsync(
    args, "MegaInfer expert node: holds experts and computes the rows that attention nodes send.", options => new ExpertNodeMember(options));
