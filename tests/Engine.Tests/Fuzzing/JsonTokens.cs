namespace MegaInfer.Engine.Tests.Fuzzing;

/// <summary>Cuts JSON into its tokens, without minding whether it is well-formed; white space is left out.</summary>
internal static class JsonTokens
{
    public static List<string> Cut(string json)
    {
        List<string> tokens = [];
        for (int at = 0; at < json.Length;)
        {
            int start = at++;
            char c = json[start];
            if (char.IsWhiteSpace(c))
                continue;
            if (c == '"')
            {
                while (at < json.Length && json[at] != '"')
                    at += json[at] == '\\' ? 2 : 1;
                at = Math.Min(at + 1, json.Length);
            }
            else if (!IsMark(c))
            {
                while (at < json.Length && !IsMark(json[at]) && json[at] != '"' && !char.IsWhiteSpace(json[at]))
                    at++;
            }

            tokens.Add(json[start..at]);
        }

        return tokens;
    }

    /// <summary>One past the end of the value that begins at this token; the token itself where none does.</summary>
    public static int EndOfValue(List<string> tokens, int at)
    {
        int depth = 0;
        for (int i = at; i < tokens.Count; i++)
        {
            if (tokens[i] is "{" or "[")
                depth++;
            else if (tokens[i] is "}" or "]")
                depth--;
            if (depth <= 0)
                return i + 1;
        }

        return tokens.Count;
    }

    /// <summary>Where the values directly inside this one begin.</summary>
    public static List<int> Children(List<string> tokens, int at)
    {
        List<int> children = [];
        if (tokens[at] is not ("{" or "["))
            return children;
        int end = EndOfValue(tokens, at) - 1;
        for (int i = at + 1; i < end; i = EndOfValue(tokens, i))
        {
            if (tokens[i] is "," or ":" || (i + 1 < end && tokens[i + 1] == ":"))
                continue;
            children.Add(i);
        }

        return children;
    }

    public static bool IsMark(char c) => c is '{' or '}' or '[' or ']' or ':' or ',';
}
