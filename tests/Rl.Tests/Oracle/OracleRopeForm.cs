namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>How positions turn a vector: base, width and, where there is one, YaRN's scaling (arXiv 2309.00071).</summary>
internal sealed record OracleRopeForm(double Theta, int RotaryDim)
{
    public OracleYarn? Yarn { get; init; }

    /// <summary>Reads rope_theta and rope_scaling, or the newer rope_parameters that holds both.</summary>
    /// <exception cref="NotSupportedException">A scaling other than YaRN.</exception>
    public static OracleRopeForm Read(OracleConfig config, int rotaryDim)
    {
        OracleConfig? parameters = config.Section("rope_parameters");
        OracleConfig? scaling = parameters ?? config.Section("rope_scaling");
        var form = new OracleRopeForm((parameters ?? config).Number("rope_theta"), rotaryDim);
        if (scaling is null)
            return form;
        string type = scaling.Has("rope_type") ? scaling.Text("rope_type") : scaling.Text("type");
        return type switch
        {
            "default" => form,
            "yarn" => form with { Yarn = OracleYarn.Read(scaling, config.Integer("max_position_embeddings")) },
            _ => throw new NotSupportedException($"The oracle does not know the rope scaling {type}."),
        };
    }
}
