// Compiled instead of AppHost.cs where the NuGet sources do not carry the Aspire packages (eng/Aspire.targets).
using Mdfs.Standalone;

if (EmbeddedArguments.Translate(args, out var refusal) is not { } translated)
{
    Console.Error.WriteLine(refusal);
    return StandaloneProgram.CannotStart;
}

Console.WriteLine("Your NuGet sources do not carry the Aspire packages, so this is the embedded cluster, without the Aspire dashboard.");
return await StandaloneProgram.RunAsync(translated);
