using Mdfs.Web.Api;
using Microsoft.Extensions.Localization;

namespace Mdfs.Web.Viewing;

/// <summary>What the master refused, as a person is told.</summary>
public static class Refusals
{
    public static string Told(this MasterRefusal refusal, IStringLocalizer words) => refusal.Away ? words["State.MasterAway"] : refusal.Detail;
}
