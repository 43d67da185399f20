using MegaInfer.Server.Commands;

// The commands of ./megainfer that run in this process. What each needs is read here, from the command line, and nowhere else.
return await CommandLine.RunAsync(
    args,
    Console.Out,
    TextWriter.Synchronized(Console.Error),
    new ServeCommand(),
    new GenerateCommand(),
    new LogitsCommand(),
    new InspectCommand(),
    new ClusterCommand(),
    new NotBuiltCommand("plan", "Plans pools for a model, a load and a list of hosts"),
    new NotBuiltCommand("simulate", "Simulates a deployment before it is bought"),
    new NotBuiltCommand("rollout", "Takes rollouts over gRPC, as a trainer does"));
