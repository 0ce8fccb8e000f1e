namespace Mdfs.Garnet;

/// <summary>The store cannot start, for a reason an operator can mend: the message is a sentence that names it.</summary>
public sealed class GarnetStoreException(string message, Exception? innerException = null) : Exception(message, innerException);
