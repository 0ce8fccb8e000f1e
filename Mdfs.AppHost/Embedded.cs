// Compiled instead of AppHost.cs where the NuGet sources do not carry the Aspire packages (eng/Aspire.targets).
if (args.Any(static arg => arg is "--publisher" or "--operation"))
{
    Console.Error.WriteLine("Publishing needs the Aspire packages, and your NuGet sources do not carry them. Add a source that does, such as nuget.org.");
    return 1;
}

Console.WriteLine("Your NuGet sources do not carry the Aspire packages, so this is the embedded cluster, without the Aspire dashboard.");
return await Mdfs.Standalone.StandaloneProgram.RunAsync(args);
