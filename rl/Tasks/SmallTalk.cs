using System.Text;
using System.Text.Json;

namespace MegaInfer.Rl.Tasks;

/// <summary>
/// Talk about the model itself, and polite refusals of what it has not learned. The sentences are data (small-talk.json); each topic
/// keeps some wordings out of training.
/// </summary>
public sealed class SmallTalk
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    private readonly Corpus _corpus;

    private SmallTalk(Corpus corpus) => _corpus = corpus;

    /// <summary>The sentences embedded in this assembly.</summary>
    public static SmallTalk Load()
    {
        using Stream stream = typeof(SmallTalk).Assembly.GetManifestResourceStream("small-talk.json")!;
        return new SmallTalk(JsonSerializer.Deserialize<Corpus>(stream, Options)!);
    }

    /// <summary>System messages that may precede any chat.</summary>
    public IReadOnlyList<string> SystemMessages => _corpus.Systems;

    /// <summary>Draws a question and its reply from the trained or from the held-out wordings.</summary>
    public (string Question, string Reply) Draw(bool heldOut, SeededRandom random)
    {
        double draw = random.NextUnit();
        Topic topic = draw < 0.06 ? _corpus.Division : draw < 0.36 ? _corpus.Impossible : random.Pick(_corpus.Intents);
        string wording = random.Pick(heldOut ? topic.HeldOut : topic.Ask);
        return (heldOut ? Fill(wording, random) : Vary(Fill(wording, random), random), topic.Reply);
    }

    /// <summary>Every held-out wording once, its slots filled from <paramref name="random"/>, with its reply.</summary>
    public IEnumerable<(string Question, string Reply)> HeldOut(SeededRandom random) =>
        from topic in _corpus.Intents.Append(_corpus.Division).Append(_corpus.Impossible)
        from wording in topic.HeldOut
        select (Fill(wording, random), topic.Reply);

    /// <summary>All trained wordings, slots unfilled; for the test that compares them with the held-out ones.</summary>
    internal IEnumerable<string> TrainedWordings =>
        _corpus.Intents.Append(_corpus.Division).Append(_corpus.Impossible).SelectMany(topic => topic.Ask);

    private static string Vary(string question, SeededRandom random)
    {
        double draw = random.NextUnit();
        if (draw < 0.12)
            return question.ToLowerInvariant();
        if (draw < 0.22)
            return question.TrimEnd('.', '?', '!');
        if (draw < 0.27)
            return random.Pick<string>(["Please, ", "So, ", "OK, ", "Hi! ", "Hello! ", "Now, "]) + Wordings.LowerFirst(question);
        if (draw < 0.30 && question[^1] is not ('?' or '.' or '!'))
            return question + random.Pick<string>([".", "!", "?"]);
        return question;
    }

    private string Fill(string wording, SeededRandom random) => wording
        .Replace("{t}", random.Chance(0.3) ? Invent(random) : random.Pick(_corpus.Topics), StringComparison.Ordinal)
        .Replace("{c}", random.Chance(0.2) ? Invent(random) : random.Pick(_corpus.Places), StringComparison.Ordinal)
        .Replace("{p}", random.Chance(0.2) ? Invent(random) : random.Pick(_corpus.People), StringComparison.Ordinal)
        .Replace("{g}", random.Pick(_corpus.Languages), StringComparison.Ordinal)
        .Replace("{l}", random.Pick(_corpus.Programming), StringComparison.Ordinal)
        .Replace("{m}", random.Between(10, 999).ToString(), StringComparison.Ordinal)
        .Replace("{n}", random.Between(2, 99).ToString(), StringComparison.Ordinal);

    // Words nobody has seen, so that an unknown word is something the model has met.
    private static string Invent(SeededRandom random)
    {
        StringBuilder word = new();
        for (int syllables = random.Between(2, 4); syllables > 0; syllables--)
            word.Append(random.Pick("bcdfghjklmnprstvwz".ToCharArray())).Append(random.Pick("aeiouy".ToCharArray())).Append(random.Chance(0.3) ? random.Pick("nrstlm".ToCharArray()) : "");
        if (random.Chance(0.5))
            word[0] = char.ToUpperInvariant(word[0]);
        return word.ToString();
    }

    private sealed record Topic(string[] Ask, string[] HeldOut, string Reply);

    private sealed record Corpus(
        Topic[] Intents, Topic Division, Topic Impossible, string[] Topics, string[] Places, string[] People, string[] Languages, string[] Programming, string[] Systems);
}
