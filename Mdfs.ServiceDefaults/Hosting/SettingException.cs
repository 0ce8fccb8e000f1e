using Microsoft.Extensions.Options;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>A setting cannot be what it is: the message is a sentence that names it and says what it may be. A start that ends with it ends likewise each time, until somebody has mended it.</summary>
public sealed class SettingException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    // Its exceptions are of a type that may mean anything.
    private static readonly string? _binder = typeof(Microsoft.Extensions.Configuration.ConfigurationBinder).Assembly.GetName().Name;

    /// <summary>Whether it is a setting that this failure tells of: one that was checked here, out of its bounds, or a text that is no number, time or truth.</summary>
    public static bool IsToldBy(Exception failure) =>
        failure is SettingException or OptionsValidationException || (failure is InvalidOperationException && failure.Source == _binder)
        || (failure is AggregateException several && several.InnerExceptions.All(IsToldBy));

    /// <summary>What it says, a line for each setting: the host tells of several that are wrong in one exception, whose own message is no sentence.</summary>
    public static string Sentences(Exception failure) =>
        failure is AggregateException several ? string.Join(Environment.NewLine, several.InnerExceptions.Select(Sentences)) : failure.Message;
}
