using System.Text.Json;

namespace MegaInfer.Server.OpenAi;

/// <summary>Every parameter that is known, with its verdict: OpenAI's documented ones, then the extensions that other servers have too. README.md beside this file shows it to people.</summary>
internal static class ParameterTable
{
    public static IReadOnlyList<Parameter> All { get; } =
    [
        new("model", ApiEndpoint.Generation | ApiEndpoint.Tokenize | ApiEndpoint.Detokenize, ParameterVerdict.Honoured, "the served model's name; absent: that model"),
        new("messages", ApiEndpoint.Chat | ApiEndpoint.Tokenize, ParameterVerdict.Honoured, "roles system, developer (as system), user, assistant; content a string or text parts"),
        new("prompt", ApiEndpoint.Completions | ApiEndpoint.Tokenize, ParameterVerdict.Honoured, "a string, a list of strings, token ids, or a list of lists of ids"),
        new("temperature", ApiEndpoint.Generation, ParameterVerdict.Honoured, "0 is greedy. Default: see below"),
        new("top_p", ApiEndpoint.Generation, ParameterVerdict.Honoured, "0 keeps the most likely token"),
        new("n", ApiEndpoint.Generation, ParameterVerdict.Honoured, "1 to 128 samples"),
        new("stream", ApiEndpoint.Generation, ParameterVerdict.Honoured, "server-sent events"),
        new("stream_options", ApiEndpoint.Generation, ParameterVerdict.Honoured, "include_usage; include_obfuscation only as false"),
        new("stop", ApiEndpoint.Generation, ParameterVerdict.Honoured, "a string or up to four; not in the text"),
        new("max_tokens", ApiEndpoint.Generation, ParameterVerdict.Honoured, "an upper bound; the context may end a text earlier. Default: completions 16, chat the rest of the context"),
        new("max_completion_tokens", ApiEndpoint.Chat, ParameterVerdict.Honoured, "the newer name of max_tokens"),
        new("presence_penalty", ApiEndpoint.Generation, ParameterVerdict.Honoured, "-2 to 2"),
        new("frequency_penalty", ApiEndpoint.Generation, ParameterVerdict.Honoured, "-2 to 2"),
        new("logit_bias", ApiEndpoint.Generation, ParameterVerdict.Honoured, "token id to -100..100"),
        new("logprobs", ApiEndpoint.Generation, ParameterVerdict.Honoured, "chat: a boolean; completions: 0 to 20 alternatives. Raw: before temperature and cuts"),
        new("top_logprobs", ApiEndpoint.Chat, ParameterVerdict.Honoured, "0 to 20, with logprobs"),
        new("seed", ApiEndpoint.Generation, ParameterVerdict.Honoured, "an integer; the same seed gives the same bits. The one in force is returned as seed and X-Seed"),
        new("echo", ApiEndpoint.Completions, ParameterVerdict.Honoured, "the prompt's text in front; not together with logprobs"),
        new("user", ApiEndpoint.Generation, ParameterVerdict.Accepted, "a label"),
        new("metadata", ApiEndpoint.Chat, ParameterVerdict.Accepted, "labels"),
        new("safety_identifier", ApiEndpoint.Chat, ParameterVerdict.Accepted, "a label"),
        new("prompt_cache_key", ApiEndpoint.Chat, ParameterVerdict.Accepted, "requests with one prefix find their cache without it"),
        new("store", ApiEndpoint.Chat, ParameterVerdict.Refused, "false passes: nothing is stored") { Passes = IsFalse },
        new("service_tier", ApiEndpoint.Chat, ParameterVerdict.Refused, "auto and default pass: there is one tier") { Passes = value => IsText(value, "auto", "default") },
        new("prompt_cache_retention", ApiEndpoint.Chat, ParameterVerdict.Refused, "in_memory passes") { Passes = value => IsText(value, "in_memory", "in-memory") },
        new("response_format", ApiEndpoint.Chat, ParameterVerdict.Refused, "{\"type\": \"text\"} passes; JSON modes are not built") { Passes = IsTextFormat },
        new("tools", ApiEndpoint.Chat, ParameterVerdict.Refused, "an empty list passes; tools are not built") { Passes = IsEmptyList },
        new("tool_choice", ApiEndpoint.Chat, ParameterVerdict.Refused, "none passes") { Passes = value => IsText(value, "none") },
        new("parallel_tool_calls", ApiEndpoint.Chat, ParameterVerdict.Accepted, "there are no tool calls"),
        new("functions", ApiEndpoint.Chat, ParameterVerdict.Refused, "an empty list passes; the older form of tools") { Passes = IsEmptyList },
        new("function_call", ApiEndpoint.Chat, ParameterVerdict.Refused, "none passes") { Passes = value => IsText(value, "none") },
        new("modalities", ApiEndpoint.Chat, ParameterVerdict.Refused, "[\"text\"] passes") { Passes = IsTextOnly },
        new("audio", ApiEndpoint.Chat, ParameterVerdict.Refused, "text only"),
        new("prediction", ApiEndpoint.Chat, ParameterVerdict.Refused, "not built"),
        new("web_search_options", ApiEndpoint.Chat, ParameterVerdict.Refused, "there is no web search"),
        new("reasoning_effort", ApiEndpoint.Chat, ParameterVerdict.Refused, "none passes") { Passes = value => IsText(value, "none") },
        new("verbosity", ApiEndpoint.Chat, ParameterVerdict.Refused, "medium passes: it is the default") { Passes = value => IsText(value, "medium") },
        new("moderation", ApiEndpoint.Chat, ParameterVerdict.Refused, "there is no moderation"),
        new("best_of", ApiEndpoint.Completions, ParameterVerdict.Honoured, "only where it equals n: nothing is drawn to be thrown away"),
        new("suffix", ApiEndpoint.Completions, ParameterVerdict.Refused, "an empty string passes; insertion is not built") { Passes = value => IsText(value, "") },
        new("top_k", ApiEndpoint.Generation, ParameterVerdict.Honoured, "extension: keep the k most likely; 0 and -1 keep all"),
        new("min_p", ApiEndpoint.Generation, ParameterVerdict.Honoured, "extension: keep tokens at least this share as likely as the most likely"),
        new("repetition_penalty", ApiEndpoint.Generation, ParameterVerdict.Honoured, "extension: 1 is off"),
        new("min_tokens", ApiEndpoint.Generation, ParameterVerdict.Honoured, "extension: no stop before this many"),
        new("ignore_eos", ApiEndpoint.Generation, ParameterVerdict.Honoured, "extension: the model's end tokens do not end the text"),
        new("stop_token_ids", ApiEndpoint.Generation, ParameterVerdict.Honoured, "extension: tokens that end the text; not in it"),
        new("return_token_ids", ApiEndpoint.Generation, ParameterVerdict.Honoured, "extension: token_ids and prompt_token_ids in the answer"),
        new("timeout_ms", ApiEndpoint.Generation, ParameterVerdict.Honoured, "extension: this request's deadline; also the header X-Request-Timeout-Ms"),
        new("chat_template_kwargs", ApiEndpoint.Chat | ApiEndpoint.Tokenize, ParameterVerdict.Honoured, "extension: further variables of the chat template, at most 64 Ki characters; none that the request itself says"),
        new("add_generation_prompt", ApiEndpoint.Chat | ApiEndpoint.Tokenize, ParameterVerdict.Honoured, "extension: whether the prompt ends where the answer begins; default true"),
        new("continue_final_message", ApiEndpoint.Chat | ApiEndpoint.Tokenize, ParameterVerdict.Honoured, "extension: the last message is left open, and the answer goes on with it; only with add_generation_prompt false"),
        new("add_special_tokens", ApiEndpoint.Tokenize, ParameterVerdict.Honoured, "with prompt; default true"),
        new("tokens", ApiEndpoint.Detokenize, ParameterVerdict.Honoured, "token ids"),
    ];

    private static readonly Dictionary<string, Parameter> ByName = All.ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);

    /// <summary>Refuses the first member of the body that is unknown at this endpoint, or asks for something that is not built.</summary>
    /// <exception cref="ApiException">With the parameter's name.</exception>
    public static void Check(JsonElement body, ApiEndpoint endpoint)
    {
        foreach (JsonProperty member in body.EnumerateObject())
        {
            if (!ByName.TryGetValue(member.Name, out Parameter? parameter) || !parameter.Endpoints.HasFlag(endpoint))
                throw ApiException.Unknown(member.Name);
            if (parameter.Verdict == ParameterVerdict.Refused && member.Value.ValueKind != JsonValueKind.Null && !parameter.Passes(member.Value))
                throw ApiException.Unsupported(member.Name, $"Unsupported parameter: '{member.Name}' with this value is not supported by this server ({parameter.Note}).");
        }
    }

    private static bool IsFalse(JsonElement value) => value.ValueKind == JsonValueKind.False;

    private static bool IsText(JsonElement value, params string[] allowed) => value.ValueKind == JsonValueKind.String && allowed.Contains(value.GetString());

    private static bool IsEmptyList(JsonElement value) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0;

    private static bool IsTextOnly(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(entry => IsText(entry, "text"));

    private static bool IsTextFormat(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object && value.EnumerateObject().All(member => member.Name == "type" && IsText(member.Value, "text"));
}
