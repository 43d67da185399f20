namespace MegaInfer.Rl.Tasks;

/// <summary>The part of the problem space a problem belongs to.</summary>
public enum SplitPart
{
    /// <summary>May be trained on.</summary>
    Training,

    /// <summary>Never trained on; watched while training.</summary>
    Validation,

    /// <summary>Never trained on and never looked at while training: gives the reported scores.</summary>
    Test,
}

/// <summary>
/// Divides problems by a hash of what is computed, not of how it is asked: the operation and its unordered operands. 348 + 275 and
/// 275 + 348 are one problem here, and so are 5 - 9 and 9 - 5.
/// </summary>
/// <remarks>
/// One fifth of the products of up to 2 digits by 1 digit is held out, and one twentieth of everything else; half of that is for
/// validation, half for the test. The facts that the written columns of longer problems consist of are always training and never scored
/// as held out: pairs of single digits, sums of up to 2 digits and one digit (24 + 4), differences of up to 19 and one digit (14 - 8).
/// </remarks>
public static class Split
{
    /// <summary>The part of a two-operand problem; <paramref name="operation"/> is one of + - *.</summary>
    public static SplitPart OfPair(char operation, int a, int b)
    {
        int low = Math.Min(a, b);
        int high = Math.Max(a, b);
        if (low < 10 && high < operation switch { '+' => 100, '-' => 20, _ => 10 })
            return SplitPart.Training;
        int heldOutOneIn = operation == '*' && high < 100 ? 5 : 20;
        return OfKey($"{operation}:{low},{high}", heldOutOneIn);
    }

    /// <summary>The part of a list problem: by its numbers in ascending order, whatever is asked about them.</summary>
    public static SplitPart OfList(IEnumerable<int> numbers) => OfKey("list:" + string.Join(',', numbers.Order()), 20);

    /// <summary>The part of a three-operand sum: by its signed terms in ascending order.</summary>
    public static SplitPart OfTerms(IEnumerable<int> signedTerms) => OfKey("sum:" + string.Join(',', signedTerms.Order()), 20);

    private static SplitPart OfKey(string key, int heldOutOneIn)
    {
        ulong hash = 0xcbf29ce484222325; // FNV-1a, then one mixing round because FNV's low bits are weak
        foreach (char c in key)
            hash = (hash ^ c) * 0x100000001b3;
        hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93;
        hash ^= hash >> 32;
        return (hash % (ulong)(2 * heldOutOneIn)) switch
        {
            0 => SplitPart.Test,
            1 => SplitPart.Validation,
            _ => SplitPart.Training,
        };
    }
}
