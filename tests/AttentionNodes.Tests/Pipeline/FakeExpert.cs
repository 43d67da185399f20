using MegaInfer.M2N;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

/// <summary>A receiver on a thread of its own whose experts multiply: a pair of expert e returns (e + 1) x its row. Answers with any status it is told to.</summary>
internal sealed class FakeExpert : IDisposable
{
    private readonly M2NEndpoint _endpoint;
    private readonly Thread _thread;
    private readonly int _hidden;
    private volatile bool _isStopping;
    private int _answersLeft = int.MaxValue;

    public FakeExpert(M2NOptions options, int hidden)
    {
        _endpoint = M2NEndpoint.Open(options);
        _hidden = hidden;
        Address = _endpoint.Address;
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    public byte[] Address { get; }

    public M2NStatus Status { get; set; }

    /// <summary>Keeps what it receives.</summary>
    public bool IsSilent { get; set; }

    /// <summary>As many more answers, and silence until this is called again.</summary>
    public void Answer(int times) => Volatile.Write(ref _answersLeft, times);

    /// <summary>Groups of the pieces it saw, as text.</summary>
    public List<string> Seen { get; } = [];

    public void Dispose()
    {
        _isStopping = true;
        _endpoint.Wake();
        _thread.Join();
        _endpoint.Dispose();
    }

    private void Run()
    {
        while (!_isStopping)
        {
            if (_endpoint.Receive(new GatherWindow(tagCount: 4, windowUs: 0, maxPairs: 4096), 50_000, out ExpertBatch batch) != M2NStatus.Ok)
                continue;
            for (int i = 0; i < batch.Count; i++)
                Multiply(batch[i]);
            Interlocked.Decrement(ref _answersLeft);
            while ((IsSilent || Volatile.Read(ref _answersLeft) < 0) && !_isStopping)
                Thread.Sleep(1);
            _endpoint.Return(batch, Status, 1000);
        }
    }

    private void Multiply(PieceView piece)
    {
        lock (Seen)
            Seen.Add(string.Join(' ', piece.Groups.ToArray().Select(group => $"{group.Key}x{group.Pairs}")));
        int pair = 0;
        foreach (Group group in piece.Groups)
        {
            for (uint i = 0; i < group.Pairs; i++, pair++)
            {
                ReadOnlySpan<float> row = piece.Rows.Plus((long)piece.RowOfPair[pair] * _hidden * sizeof(float)).HostSpan<float>(_hidden);
                Span<float> result = piece.Results.Plus((long)pair * _hidden * sizeof(float)).HostSpan<float>(_hidden);
                for (int column = 0; column < _hidden; column++)
                    result[column] = (group.Key + 1) * row[column];
            }
        }
    }
}
