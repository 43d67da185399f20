using System.CommandLine;
using MegaInfer.Rl.Pretraining;

RootCommand root = new("Trains and scores the models that MegaInfer serves.") { PretrainCommand.Create() };
return root.Parse(args).Invoke();
