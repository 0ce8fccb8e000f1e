using Microsoft.Extensions.Localization;
using MudBlazor;

namespace Mdfs.Web.Texts;

/// <summary>What MudBlazor itself says (its pager, its close buttons), in our languages where we have the words.</summary>
internal sealed class MudWords(IStringLocalizer<Words> words) : MudLocalizer
{
    public override LocalizedString this[string key] => words["Mud." + key] is { ResourceNotFound: false } word ? word : new LocalizedString(key, key, resourceNotFound: true);
}
