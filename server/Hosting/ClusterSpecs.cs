using System.Security.Cryptography;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.Server.Cluster;

namespace MegaInfer.Server.Hosting;

/// <summary>Derives what every node is told from the command line and the model, once.</summary>
internal static class ClusterSpecs
{
    private const int SecretBytes = 16;
    private const int LeastPeers = 8;

    public static ClusterSpec Of(ServeOptions options, ServedModel model)
    {
        NumberType kvType = NumberTypes.FromShortName(options.KvDtype)!.Value;
        return new ClusterSpec
        {
            ModelFolder = model.Folder,
            ExpertCount = model.Spec.Router.ExpertCount,
            VocabularySize = model.Spec.VocabularySize,
            ContextLength = model.Spec.ContextLength,
            AttentionNodes = options.AttentionNodes,
            ExpertNodes = options.ExpertNodes,
            WeightType = options.Dtype,
            KvType = options.KvDtype,
            Shape = new PipelineShape(model.Spec, options.MaxStepRows, kvType),
            // Twice the pools that were asked for: room for nodes that join, and for those that have not quite left.
            MaxPeers = Math.Max(LeastPeers, 2 * Math.Max(options.AttentionNodes, options.ExpertNodes)),
            M2NTransport = options.M2NTransport == "auto" ? "shm" : options.M2NTransport,
            DeviceRows = options.HasDeviceRows,
            M2NSecret = RandomNumberGenerator.GetBytes(SecretBytes),
            MicroBatches = options.MicroBatchCount,
            MaxChunkRows = options.ChunkRows,
            StepTargetMs = options.StepTargetMs,
            MaxSequences = options.MaxSequences,
            KvBlocks = options.KvBlocks,
            PrefixCache = options.PrefixCache,
            WeightCache = options.WeightCache,
            Threads = options.Threads,
            GatherShare = options.GatherShare,
            Secret = options.ReadSecret(),
            AllowMixedNumerics = options.AllowMixedNumerics,
        };
    }
}
