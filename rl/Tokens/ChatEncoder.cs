using MegaInfer.Rl.Tasks;

namespace MegaInfer.Rl.Tokens;

/// <summary>Token ids of a training example, and which of them the model must predict.</summary>
/// <param name="Ids">All token ids.</param>
/// <param name="IsTaught">For each token, whether it belongs to a reply (its end mark included), so that predicting it counts.</param>
public sealed record EncodedConversation(int[] Ids, bool[] IsTaught);

/// <summary>Turns conversations into tokens in the ChatML frame that the chat template writes. Not thread safe.</summary>
public sealed class ChatEncoder(BytePairEncoding encoding)
{
    private readonly List<int> _ids = [];
    private readonly List<bool> _isTaught = [];

    /// <summary>The encoding behind it.</summary>
    public BytePairEncoding Encoding { get; } = encoding;

    /// <summary>The Jinja template of the frame, as written to tokenizer_config.json.</summary>
    public const string Template =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    /// <summary>Encodes a whole training example.</summary>
    public EncodedConversation Encode(Conversation conversation)
    {
        Clear();
        if (conversation.IsBare)
        {
            Turn turn = conversation.Turns[0];
            AddText(turn.Question, isTaught: false);
            AddText("\n", isTaught: true);
            AddText(turn.Reply, isTaught: true);
            Add(Encoding.EndOfText, isTaught: true);
        }
        else
        {
            AddSystem(conversation.System);
            foreach (Turn turn in conversation.Turns)
            {
                AddMessage("user", turn.Question);
                Add(Encoding.StartOfMessage, isTaught: false);
                AddText("assistant\n", isTaught: false);
                AddText(turn.Reply, isTaught: true);
                Add(Encoding.EndOfMessage, isTaught: true);
                AddText("\n", isTaught: false);
            }
        }
        return new EncodedConversation([.. _ids], [.. _isTaught]);
    }

    /// <summary>Encodes a prompt up to the point where the reply begins.</summary>
    public int[] EncodePrompt(string question, string? system = null)
    {
        Clear();
        AddSystem(system);
        AddMessage("user", question);
        Add(Encoding.StartOfMessage, isTaught: false);
        AddText("assistant\n", isTaught: false);
        return [.. _ids];
    }

    private void AddSystem(string? system)
    {
        if (system is not null)
            AddMessage("system", system);
    }

    private void AddMessage(string role, string content)
    {
        Add(Encoding.StartOfMessage, isTaught: false);
        AddText(role + "\n" + content, isTaught: false);
        Add(Encoding.EndOfMessage, isTaught: false);
        AddText("\n", isTaught: false);
    }

    private void AddText(string text, bool isTaught)
    {
        Encoding.Encode(text, _ids);
        while (_isTaught.Count < _ids.Count)
            _isTaught.Add(isTaught);
    }

    private void Add(int id, bool isTaught)
    {
        _ids.Add(id);
        _isTaught.Add(isTaught);
    }

    private void Clear()
    {
        _ids.Clear();
        _isTaught.Clear();
    }
}
