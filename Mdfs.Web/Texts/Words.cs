namespace Mdfs.Web.Texts;

/// <summary>The texts of the console: <c>Words.resx</c> in English, <c>Words.zh-Hans.resx</c> in Chinese.</summary>
public sealed class Words;
