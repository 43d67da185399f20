using CsCheck;
using Xunit;

namespace MegaInfer.Node.Tests;

public sealed class DialPolicyTests
{
    [Fact]
    public void NextDelay_Child_GivesUpAfterItsTries()
    {
        var policy = new DialPolicy(isChild: true);
        Assert.NotNull(policy.NextDelay(DialPolicy.ChildTries - 1));
        Assert.Null(policy.NextDelay(DialPolicy.ChildTries));
    }

    [Fact]
    public void NextDelay_FromOutside_NeverGivesUpAndNeverShrinks()
    {
        var policy = new DialPolicy(isChild: false);
        Gen.Int[1, 1_000_000].Sample(failures =>
        {
            TimeSpan delay = policy.NextDelay(failures)!.Value;
            Assert.InRange(delay, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));
            Assert.True(policy.NextDelay(failures + 1) >= delay);
        });
    }
}
