namespace MegaInfer.Server.OpenAi;

/// <summary>Which model a request means.</summary>
internal static class ModelNames
{
    /// <summary>A request may leave the model out, since there is one; another name is refused.</summary>
    /// <exception cref="ApiException">404: it names a model that is not here.</exception>
    public static void Check(RequestBody body, string served)
    {
        if (body.Text("model") is { } model && model != served)
            throw ApiException.ModelNotFound(model, served);
    }
}
