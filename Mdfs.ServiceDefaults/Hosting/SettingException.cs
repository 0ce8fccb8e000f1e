using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>A setting cannot be what it is: the message is a sentence that names it and says what it may be. A start that ends with it ends likewise each time, until somebody has mended it.</summary>
public sealed class SettingException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    // Its exceptions are of a type that may mean anything.
    private static readonly string? _binder = typeof(ConfigurationBinder).Assembly.GetName().Name;

    /// <summary>Whether it is a setting that this failure tells of: one that was checked here, out of its bounds, or a text that is no number, time or truth.</summary>
    public static bool IsToldBy(Exception failure) =>
        failure is SettingException or OptionsValidationException || (failure is InvalidOperationException && failure.Source == _binder)
        || (failure is AggregateException several && several.InnerExceptions.All(IsToldBy));

    /// <summary>One setting that belongs to no options.</summary>
    /// <exception cref="SettingException">The text is none of that type. The binder's own exception seems to come from whoever asks, once its few lines are compiled into the asking ones.</exception>
    public static T Read<T>(IConfiguration configuration, string key, T usual)
    {
        try
        {
            return configuration.GetValue(key, usual)!;
        }
        catch (InvalidOperationException failure)
        {
            throw new SettingException(failure.Message, failure);
        }
    }

    /// <summary>What it says, a line for each setting: the host tells of several that are wrong in one exception, whose own message is no sentence.</summary>
    public static string Sentences(Exception failure) =>
        failure is AggregateException several ? string.Join(Environment.NewLine, several.InnerExceptions.Select(Sentences)) : failure.Message;
}
