return await Mdfs.Standalone.StandaloneProgram.RunAsync(args);
