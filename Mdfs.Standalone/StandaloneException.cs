namespace Mdfs.Standalone;

/// <summary>The cluster cannot start, for a reason its operator can mend: the message is a sentence that names it and says what to do.</summary>
public sealed class StandaloneException(string message, Exception? innerException = null) : Exception(message, innerException);
