using System.Net;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Unit.ServiceDefaults;

public sealed class FailedAttemptsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly IPAddress _address = IPAddress.Parse("192.0.2.7");

    [Fact]
    public void The_window_slides_so_that_each_failure_counts_for_one_minute()
    {
        var attempts = Attempts(limit: 3);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(TimeSpan.Zero, attempts.Wait(_address));
            attempts.Add(_address);
            _time.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.Equal(TimeSpan.FromSeconds(30), attempts.Wait(_address));
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(TimeSpan.Zero, attempts.Wait(_address));
        attempts.Add(_address);
        Assert.Equal(TimeSpan.FromSeconds(10), attempts.Wait(_address));
    }

    [Fact]
    public void Guesses_made_in_parallel_get_no_further_than_those_made_in_turn()
    {
        var attempts = Attempts(limit: 10);
        var answered = 0;
        Parallel.For(0, 1000, _ =>
        {
            if (attempts.Add(_address) == TimeSpan.Zero) Interlocked.Increment(ref answered);
        });
        Assert.Equal(10, answered);
    }

    [Fact]
    public void Memory_is_bounded_and_what_has_expired_goes()
    {
        var attempts = Attempts(limit: 1);
        for (var i = 0; i < 25_000; i++) attempts.Add(new IPAddress(BitConverter.GetBytes(0x0A000000 + i)));
        Assert.InRange(attempts.Addresses, 1, 10_000);
        _time.Advance(TimeSpan.FromMinutes(2));
        attempts.Add(_address);
        Assert.Equal(1, attempts.Addresses);
    }

    [Fact]
    public void An_ipv6_subscriber_is_one_address_and_a_mapped_ipv4_is_the_ipv4()
    {
        var attempts = Attempts(limit: 1);
        attempts.Add(IPAddress.Parse("2001:db8:1:2::3"));
        Assert.NotEqual(TimeSpan.Zero, attempts.Wait(IPAddress.Parse("2001:db8:1:2:ffff::9")));
        Assert.Equal(TimeSpan.Zero, attempts.Wait(IPAddress.Parse("2001:db8:1:3::3")));
        attempts.Add(IPAddress.Parse("::ffff:192.0.2.7"));
        Assert.NotEqual(TimeSpan.Zero, attempts.Wait(_address));
    }

    private FailedAttempts Attempts(int limit) => new(Options.Create(new AdminKeyOptions { KeyFailures = limit }), _time);
}
