using System.Text;

namespace MegaInfer.Rl.Tasks;

/// <summary>Writes school arithmetic column by column, least significant digit first, one short line per column.</summary>
public static class ColumnArithmetic
{
    /// <summary>348 + 275: <c>8+5=13</c>, <c>4+7+1=12</c>, <c>3+2+1=6</c>; the carry is the added 1.</summary>
    public static void WriteSum(StringBuilder text, int a, int b)
    {
        int carry = 0;
        do
        {
            int column = (a % 10) + (b % 10) + carry;
            text.Append(a % 10).Append('+').Append(b % 10).Append(carry == 0 ? "" : "+1").Append('=').Append(column).Append('\n');
            carry = column / 10;
            a /= 10;
            b /= 10;
        }
        while (a > 0 || b > 0);
    }

    /// <summary>
    /// 284 - 58: <c>14-8=6</c>, <c>8-5-1=2</c>, <c>2-0=2</c>; a borrow shows as the 10 added here and the 1 taken next. The last column
    /// has nowhere to borrow from, so there, and only there, a negative difference shows: 5 - 12 ends with <c>0-1=-1</c>.
    /// </summary>
    public static void WriteDifference(StringBuilder text, int a, int b)
    {
        int borrow = 0;
        do
        {
            int column = (a % 10) - (b % 10) - borrow;
            bool isLast = a < 10 && b < 10;
            int borrowed = column < 0 && !isLast ? 10 : 0;
            text.Append((a % 10) + borrowed).Append('-').Append(b % 10).Append(borrow == 0 ? "" : "-1").Append('=').Append(column + borrowed).Append('\n');
            borrow = borrowed / 10;
            a /= 10;
            b /= 10;
        }
        while (a > 0 || b > 0);
    }

    /// <summary>47 * 6: <c>7*6=42</c>, <c>4*6+4=24+4=28</c>.</summary>
    public static void WriteProduct(StringBuilder text, int a, int digit)
    {
        int carry = 0;
        do
        {
            int product = a % 10 * digit;
            text.Append(a % 10).Append('*').Append(digit);
            if (carry > 0)
                text.Append('+').Append(carry).Append('=').Append(product).Append('+').Append(carry);
            text.Append('=').Append(product + carry).Append('\n');
            carry = (product + carry) / 10;
            a /= 10;
        }
        while (a > 0);
    }
}
