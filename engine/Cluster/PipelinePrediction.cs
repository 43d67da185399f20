namespace MegaInfer.Engine.Cluster;

/// <summary>What the ping-pong pipeline should take, from measured stage times.</summary>
/// <param name="StepUs">One step: every micro-batch through every layer.</param>
/// <param name="LayerPeriodUs">Time between a micro-batch's starts in two successive layers, once the pipeline runs.</param>
public readonly record struct PipelinePrediction(double StepUs, double LayerPeriodUs);
