using Mdfs.Gateway.Sources;
using Mdfs.Gateway.Streams;

namespace Mdfs.Web.FrontEnd;

/// <summary>A front end signs nothing for workers: it brings what the master gave it.</summary>
internal sealed class GrantedPass : IWindowPass
{
    public string For(in ReplicaCandidate source, string target) => source.Grant ?? throw new InvalidOperationException("The master named a worker without a grant.");
}
