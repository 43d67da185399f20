using System.Runtime.InteropServices;
using System.Text;

namespace MegaInfer.Engine.Tokenization.Normalizers;

/// <summary>
/// Unicode normalization form C. Our own, because the program runs without ICU (InvariantGlobalization: no native library
/// to install, quick start), and then string.Normalize leaves text as it is.
/// </summary>
internal sealed partial class NfcNormalizer : Normalizer
{
    private const int HangulFirst = 0xAC00;
    private const int LeadFirst = 0x1100;
    private const int VowelFirst = 0x1161;
    private const int TailBase = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TailCount = 28;
    private const int HangulCount = LeadCount * VowelCount * TailCount;

    // Below this every code point is its own NFC form and nothing before it can change it.
    private const char FirstInteresting = '\u0300';

    // Made at the first text that needs it; the other tables are searched where they lie.
    private static readonly Lazy<Dictionary<long, int>> Compositions = new(MakeCompositions);

    // Some characters are taken apart into three and stay so.
    public override double Growth => 3;

    public override string Normalize(string text)
    {
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', (char)(FirstInteresting - 1)) < 0)
            return text;
        List<int> codePoints = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            Decompose(rune.Value, codePoints);
        Reorder(CollectionsMarshal.AsSpan(codePoints));
        int count = Compose(CollectionsMarshal.AsSpan(codePoints));
        StringBuilder result = new(text.Length);
        foreach (int codePoint in CollectionsMarshal.AsSpan(codePoints)[..count])
            result.Append(new Rune(codePoint));
        return result.ToString();
    }

    private static void Decompose(int codePoint, List<int> output)
    {
        int hangul = codePoint - HangulFirst;
        if (hangul is >= 0 and < HangulCount)
        {
            output.Add(LeadFirst + hangul / (VowelCount * TailCount));
            output.Add(VowelFirst + hangul / TailCount % VowelCount);
            if (hangul % TailCount != 0)
                output.Add(TailBase + hangul % TailCount);
        }
        else if (codePoint >= 0xC0 && FindRow(DecompositionTable, codePoint) is int row and >= 0 && Math.Abs(DecompositionTable[row]) == codePoint)
        {
            Decompose(DecompositionTable[row + 1], output);
            if (DecompositionTable[row + 2] != 0)
                output.Add(DecompositionTable[row + 2]);
        }
        else
        {
            output.Add(codePoint);
        }
    }

    // Canonical ordering: a stable sort of each run of combining marks by their class.
    private static void Reorder(Span<int> codePoints)
    {
        int start = 0;
        while (start < codePoints.Length)
        {
            if (ClassOf(codePoints[start]) == 0)
            {
                start++;
                continue;
            }

            int end = start;
            while (end < codePoints.Length && ClassOf(codePoints[end]) != 0)
                end++;
            int[] sorted = [.. codePoints[start..end].ToArray().OrderBy(ClassOf)];
            sorted.CopyTo(codePoints[start..]);
            start = end;
        }
    }

    // Puts starters and the marks that follow them together, in place; returns how many code points are left.
    private static int Compose(Span<int> codePoints)
    {
        int written = 0;
        int starter = -1;
        int lastClass = -1;
        foreach (int codePoint in codePoints)
        {
            int combiningClass = ClassOf(codePoint);
            bool isBlocked = lastClass >= 0 && (lastClass >= combiningClass || lastClass == 0);
            if (starter >= 0 && !isBlocked && TryCompose(codePoints[starter], codePoint, out int composed))
            {
                codePoints[starter] = composed;
                continue;
            }

            codePoints[written] = codePoint;
            // -1: nothing stands between the starter and what comes next.
            lastClass = combiningClass == 0 ? -1 : combiningClass;
            if (combiningClass == 0)
                starter = written;
            written++;
        }

        return written;
    }

    private static bool TryCompose(int first, int second, out int composed)
    {
        int lead = first - LeadFirst;
        int vowel = second - VowelFirst;
        if (lead is >= 0 and < LeadCount && vowel is >= 0 and < VowelCount)
        {
            composed = HangulFirst + (lead * VowelCount + vowel) * TailCount;
            return true;
        }

        int syllable = first - HangulFirst;
        int tail = second - TailBase;
        if (syllable is >= 0 and < HangulCount && syllable % TailCount == 0 && tail is > 0 and < TailCount)
        {
            composed = first + tail;
            return true;
        }

        return Compositions.Value.TryGetValue(Pair(first, second), out composed);
    }

    private static int ClassOf(int codePoint)
    {
        if (codePoint < FirstInteresting)
            return 0;
        int row = FindRow(CombiningClassTable, codePoint);
        return row >= 0 && codePoint <= CombiningClassTable[row + 1] ? CombiningClassTable[row + 2] : 0;
    }

    // Start of the last row of three whose first number is not beyond the code point, or negative.
    private static int FindRow(ReadOnlySpan<int> table, int codePoint)
    {
        (int low, int high) = (0, table.Length / 3);
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Math.Abs(table[middle * 3]) <= codePoint)
                low = middle + 1;
            else
                high = middle;
        }

        return (low - 1) * 3;
    }

    private static Dictionary<long, int> MakeCompositions()
    {
        Dictionary<long, int> compositions = [];
        for (int i = 0; i < DecompositionTable.Length; i += 3)
        {
            // A negative code point marks a character that is taken apart but never put together again.
            if (DecompositionTable[i] > 0)
                compositions[Pair(DecompositionTable[i + 1], DecompositionTable[i + 2])] = DecompositionTable[i];
        }

        return compositions;
    }

    private static long Pair(int first, int second) => (long)first << 32 | (uint)second;
}
