using Mdfs.Cli.Server;
using Mdfs.Cli.Terminal;

namespace Mdfs.Cli;

/// <summary>One run of the program: the cluster it talks to and how it talks to whoever typed the command.</summary>
internal sealed record Session(MasterClient Master, Output Output);
