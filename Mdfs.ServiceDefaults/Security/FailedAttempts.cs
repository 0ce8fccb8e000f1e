using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>
/// Counts wrong keys per client address in a sliding window (design, section 8). One address never locks out another. Memory is bounded:
/// when too many addresses fail at once, the one that has failed longest ago is forgotten.
/// </summary>
/// <remarks>IPv6 addresses count by their /64, which is what one subscriber has; else every guess could come from a fresh address.</remarks>
public sealed class FailedAttempts(IOptions<AdminKeyOptions> options, TimeProvider time)
{
    /// <summary>How many addresses are remembered; about 2 MiB at worst with the default of 10 failures each.</summary>
    internal const int MaxAddresses = 10_000;

    private readonly int _limit = options.Value.KeyFailures;
    private readonly TimeSpan _window = options.Value.FailureWindow;
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, LinkedListNode<Failures>> _byAddress = [];
    private readonly LinkedList<Failures> _oldestFirst = [];

    /// <summary>How many addresses are remembered at this moment.</summary>
    public int Addresses
    {
        get
        {
            lock (_gate) return _byAddress.Count;
        }
    }

    /// <summary>How long this address has to wait before its next attempt is looked at; zero when it need not.</summary>
    public TimeSpan Wait(IPAddress? address)
    {
        lock (_gate)
        {
            return _byAddress.TryGetValue(Subscriber(address), out var node) ? WaitOf(node.Value) : TimeSpan.Zero;
        }
    }

    /// <summary>
    /// Counts a failure, unless the address is locked out already: then it says how long still, and the caller answers as if it had not
    /// looked at the key. So guesses made in parallel get no further than those made in turn.
    /// </summary>
    public TimeSpan Add(IPAddress? address)
    {
        var subscriber = Subscriber(address);
        lock (_gate)
        {
            DropExpired();
            if (_byAddress.TryGetValue(subscriber, out var node))
            {
                if (WaitOf(node.Value) is var wait && wait > TimeSpan.Zero) return wait;
                _oldestFirst.Remove(node);
            }
            else
            {
                if (_byAddress.Count >= MaxAddresses) Forget(_oldestFirst.First!);
                node = new LinkedListNode<Failures>(new Failures(subscriber, new Queue<long>()));
                _byAddress.Add(subscriber, node);
            }

            var times = node.Value.Times;
            times.Enqueue(time.GetTimestamp());
            while (times.Count > _limit) times.Dequeue();
            _oldestFirst.AddLast(node);
            return TimeSpan.Zero;
        }
    }

    // The oldest of the last `limit` failures is what keeps the address out.
    private TimeSpan WaitOf(Failures failures)
    {
        if (failures.Times.Count < _limit) return TimeSpan.Zero;
        var left = _window - time.GetElapsedTime(failures.Times.Peek());
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private void DropExpired()
    {
        while (_oldestFirst.First is { } first && time.GetElapsedTime(first.Value.Times.Last()) >= _window) Forget(first);
    }

    private void Forget(LinkedListNode<Failures> node)
    {
        _oldestFirst.Remove(node);
        _byAddress.Remove(node.Value.Address);
    }

    private static IPAddress Subscriber(IPAddress? address)
    {
        if (address is null) return IPAddress.None;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address;
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }

    private sealed record Failures(IPAddress Address, Queue<long> Times);
}
