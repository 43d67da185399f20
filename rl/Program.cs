using System.CommandLine;
using MegaInfer.Rl.Evaluation;
using MegaInfer.Rl.Pretraining;

RootCommand root = new("Trains and scores the models that MegaInfer serves.") { PretrainCommand.Create(), EvalCommand.Create() };
return root.Parse(args).Invoke();
