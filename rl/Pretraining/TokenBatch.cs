using MegaInfer.Rl.Tokens;

namespace MegaInfer.Rl.Pretraining;

/// <summary>
/// Conversations laid end to end without padding: attention stays inside each, so no mask is needed. Immutable.
/// </summary>
public sealed class TokenBatch
{
    /// <summary>Lays out the conversations.</summary>
    public TokenBatch(IReadOnlyList<EncodedConversation> conversations)
    {
        List<long> ids = [];
        List<long> rows = [];
        List<long> targets = [];
        Starts = new int[conversations.Count + 1];
        for (int c = 0; c < conversations.Count; c++)
        {
            EncodedConversation conversation = conversations[c];
            // The last token predicts nothing, so it is not computed.
            for (int i = 0; i + 1 < conversation.Ids.Length; i++)
            {
                if (conversation.IsTaught[i + 1])
                {
                    rows.Add(ids.Count);
                    targets.Add(conversation.Ids[i + 1]);
                }
                ids.Add(conversation.Ids[i]);
            }
            Starts[c + 1] = ids.Count;
        }
        Ids = [.. ids];
        TaughtRows = [.. rows];
        Targets = [.. targets];
    }

    /// <summary>Token ids of all conversations.</summary>
    public long[] Ids { get; }

    /// <summary>First row of each conversation, and the number of rows at the end.</summary>
    public int[] Starts { get; }

    /// <summary>Rows whose next token is taught.</summary>
    public long[] TaughtRows { get; }

    /// <summary>The token to predict at each taught row.</summary>
    public long[] Targets { get; }
}
