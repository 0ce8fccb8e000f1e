using System.CommandLine;
using Mdfs.Cli;
using Mdfs.Cli.Commands;

// A movie's name may begin with an @, which would else be the name of a file with further arguments.
var parsed = MdfsCommand.Create().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
var exit = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(5) });
// What was typed could not be understood, and System.CommandLine has said so: its own code for that is the one for anything that went wrong.
return parsed.Errors.Count > 0 && exit == ExitCodes.Failed ? ExitCodes.Usage : exit;
