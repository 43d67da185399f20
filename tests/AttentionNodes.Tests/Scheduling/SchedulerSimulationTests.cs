using CsCheck;
using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Scheduling;

/// <summary>
/// Random submissions, cancellations, deadlines and failed steps against the real scheduler and KV space; the model is a hash of the tokens before a
/// position, so every sequence's tokens are known whatever the schedule was.
/// </summary>
public sealed class SchedulerSimulationTests
{
    private static readonly Gen<(int Verb, int A, int B)> Move = Gen.Select(Gen.Int[0, 9], Gen.Int[1, 40], Gen.Int[0, 30]);

    [Fact]
    public void RandomLives_EndExactlyOnceWithTheTokensOfTheirPrefix() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 12], Gen.Int[1, 9], Gen.Bool, Move.List[1, 150]).Sample(
            (blocks, stepRows, chunkRows, hasPrefixCache, moves) => new Simulation(blocks, stepRows, chunkRows, hasPrefixCache).Run(moves));

    private sealed class Simulation
    {
        private readonly ManualTime _time = new();
        private readonly KvSpace _kv;
        private readonly Scheduler _scheduler;
        private readonly Dictionary<long, GenerationRequest> _requests = [];
        private readonly Dictionary<long, SequenceEnd> _ends = [];

        // What the model wrote at each position of each block: tokens up to and including that position, as a hash.
        private readonly Dictionary<(int Block, int Offset), int> _written = [];
        private readonly int _stepRows;

        public Simulation(int blocks, int stepRows, int chunkRows, bool hasPrefixCache)
        {
            _stepRows = stepRows;
            _kv = new KvSpace(blocks, hasPrefixCache);
            SchedulerLimits limits = Requests.Limits with { MaxStepRows = stepRows, MaxChunkRows = chunkRows, MaxSequences = 5, MaxWaiting = 6 };
            _scheduler = new Scheduler(Requests.Spec, limits, _kv, new WeightVersion(0), _time);
        }

        public void Run(List<(int Verb, int A, int B)> moves)
        {
            foreach ((int verb, int a, int b) in moves)
            {
                switch (verb)
                {
                    case 0 or 1:
                        Submit(a, b);
                        break;
                    case 2:
                        _scheduler.Cancel(new SequenceId(b));
                        break;
                    case 3:
                        _time.Advance(TimeSpan.FromSeconds(b));
                        break;
                    case 4:
                        // The step fails: nobody completes it. Its rows may have been written, with the bits they will have again.
                        Compute(_scheduler.NextStep());
                        break;
                    default:
                        Step();
                        break;
                }

                Collect();
            }

            for (int i = 0; i < 5000 && _scheduler.HasWork; i++)
            {
                Step();
                Collect();
            }

            Assert.False(_scheduler.HasWork, "some sequence never ends");
            Assert.Equal(_requests.Keys.Order(), _ends.Keys.Order());
            Assert.Equal(0, _kv.UsedCount);
        }

        private void Submit(int promptTokens, int maxTokens)
        {
            GenerationRequest request = Requests.Of(_requests.Count % 2, promptTokens, maxTokens + 1) with
            {
                Id = new SequenceId(_requests.Count),
                Deadline = maxTokens % 3 == 0 ? TimeSpan.FromSeconds(promptTokens) : null,
            };
            _requests.Add(request.Id.Value, request);
            _scheduler.Add(request);
        }

        private void Step()
        {
            Step step = _scheduler.NextStep();
            int[] tokens = Compute(step);
            Sequence[] sequences = [.. step.Slices.ToArray().Select(slice => slice.Sequence)];
            Assert.Equal(sequences.Length, sequences.Distinct().Count());
            _scheduler.Complete(step, Requests.Samples(tokens));
            foreach (Sequence sequence in sequences)
            {
                CheckTokens(sequence);
                if (sequence.End is { } end)
                    _ends.Add(sequence.Id.Value, end);
            }
        }

        /// <summary>Writes each row's cell, checks that it can read all cells before it, and draws tokens from what it read.</summary>
        private int[] Compute(Step step)
        {
            Assert.InRange(step.RowCount, 0, _stepRows);
            int[] tokens = new int[step.Slices.Length];
            for (int i = 0; i < step.Slices.Length; i++)
            {
                StepSlice slice = step.Slices[i];
                for (int position = 0; position < slice.FirstPosition + slice.RowCount; position++)
                {
                    (int, int) cell = (slice.Sequence.BlockTable[position / 16].Value, position % 16);
                    if (position >= slice.FirstPosition)
                        _written[cell] = Hash(slice.Sequence.Tokens[..(position + 1)]);
                    else
                        Assert.Equal(Hash(slice.Sequence.Tokens[..(position + 1)]), _written[cell]);
                }

                tokens[i] = Next(slice.Sequence.Tokens);
            }

            return tokens;
        }

        private void Collect()
        {
            foreach (Sequence sequence in _scheduler.Ended)
            {
                CheckTokens(sequence);
                _ends.Add(sequence.Id.Value, sequence.End!.Value);
            }

            _scheduler.ClearEnded();
        }

        private void CheckTokens(Sequence sequence)
        {
            ReadOnlySpan<int> tokens = sequence.Tokens;
            Assert.Equal(_requests[sequence.Id.Value].PromptTokens.ToArray(), tokens[..sequence.PromptCount].ToArray());
            for (int i = sequence.PromptCount; i < tokens.Length; i++)
                Assert.Equal(Next(tokens[..i]), tokens[i]);
        }

        private static int Next(ReadOnlySpan<int> before) => Math.Abs(Hash(before)) % 50;

        private static int Hash(ReadOnlySpan<int> tokens)
        {
            int hash = 17;
            foreach (int token in tokens)
                hash = unchecked((hash * 31) + token);
            return hash;
        }
    }
}
