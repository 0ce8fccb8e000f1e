using Mdfs.Web.Api;

namespace Mdfs.Web.Components.Parts;

/// <summary>What a page has asked the master for. A later failure leaves what was there and says why it may be old.</summary>
public sealed class Loaded<T>
    where T : class
{
    public T? Value { get; private set; }

    public MasterRefusal? Trouble { get; private set; }

    public bool Asked { get; private set; }

    public void Take(MasterAnswer<T> answer)
    {
        Asked = true;
        Trouble = answer.Refusal;
        if (answer.Succeeded) Value = answer.Value;
    }
}
