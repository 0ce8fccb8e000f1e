using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using Mdfs.Gateway;
using Mdfs.Master;
using Mdfs.Protocol;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Web;
using Mdfs.Worker;

namespace Mdfs.Tests.Unit;

/// <summary>The arrows of the house, and that two of anything can live in one process: read from what was compiled.</summary>
public sealed class ArchitectureTests
{
    private static readonly Assembly Protocol = typeof(Routes).Assembly;
    private static readonly Assembly Defaults = typeof(ServiceDefaultsExtensions).Assembly;
    private static readonly Assembly Gateway = typeof(GatewayHosting).Assembly;
    private static readonly Assembly Master = typeof(MasterHosting).Assembly;
    private static readonly Assembly Worker = typeof(WorkerHosting).Assembly;
    private static readonly Assembly Web = typeof(WebHosting).Assembly;

    private static readonly Dictionary<short, OpCode> Instructions = typeof(OpCodes).GetFields(BindingFlags.Static | BindingFlags.Public)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(instruction => instruction.Value);

    public static TheoryData<string, string[]> Arrows => new()
    {
        { "Mdfs.Protocol", [] },
        { "Mdfs.ServiceDefaults", ["Mdfs.Protocol"] },
        { "Mdfs.Garnet", ["Mdfs.ServiceDefaults"] },
        { "Mdfs.Gateway", ["Mdfs.Protocol", "Mdfs.ServiceDefaults"] },
        { "Mdfs.Master", ["Mdfs.Protocol", "Mdfs.ServiceDefaults", "Mdfs.Gateway"] },
        { "Mdfs.Worker", ["Mdfs.Protocol", "Mdfs.ServiceDefaults"] },
        { "Mdfs.Cli", ["Mdfs.Protocol"] },
        { "Mdfs.Web", ["Mdfs.Protocol", "Mdfs.ServiceDefaults", "Mdfs.Gateway"] },
    };

    [Theory]
    [MemberData(nameof(Arrows))]
    public void A_project_knows_only_those_below_it(string project, string[] below) =>
        Assert.Empty(Assembly.Load(project).GetReferencedAssemblies().Select(name => name.Name!).Where(name => name.StartsWith("Mdfs.", StringComparison.Ordinal)).Except(below));

    [Fact]
    public void The_transfer_room_of_the_master_does_not_know_the_catalog() =>
        Assert.Empty(Master.GetTypes().Where(type => type.Namespace == "Mdfs.Master.Transfer")
            .SelectMany(type => Mentioned(type).Where(InRoom("Mdfs.Master.Catalog")).Select(other => $"{type.Name} mentions {other.Name}")).Distinct());

    [Fact]
    public void The_catalogs_store_knows_no_node_no_file_route_and_no_repair() =>
        Assert.Empty(Master.GetTypes().Where(type => type.Namespace == "Mdfs.Master.Catalog.Store")
            .SelectMany(type => Mentioned(type).Where(other => InRoom("Mdfs.Master.Files")(other) || InRoom("Mdfs.Master.Nodes")(other) || InRoom("Mdfs.Master.Repair")(other))
                .Select(other => $"{type.Name} mentions {other.Name}")).Distinct());

    [Fact]
    public void Types_live_in_the_room_that_their_namespace_names()
    {
        foreach (var assembly in (Assembly[])[Protocol, Defaults, Gateway, Master, Worker, Web])
        {
            Assert.Empty(assembly.GetTypes().Where(IsOurs).Where(type => !$"{type.Namespace}.".StartsWith(assembly.GetName().Name + ".", StringComparison.Ordinal)).Select(type => type.FullName));
        }
    }

    [Fact]
    public void Nothing_static_holds_state()
    {
        var fields = new[] { Protocol, Defaults, Gateway, Master, Worker, Web }.SelectMany(assembly => assembly.GetTypes()).Where(IsOurs)
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(field => !field.IsLiteral && field.GetCustomAttribute<CompilerGeneratedAttribute>() is null);
        Assert.Empty(fields.Where(field => !field.IsInitOnly || IsMutable(field.FieldType)).Select(field => $"{field.DeclaringType}.{field.Name}: {field.FieldType.Name}"));
    }

    private static bool IsMutable(Type type)
    {
        if (type.IsArray) return false;
        var definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        var name = definition.FullName ?? definition.Name;
        return name.StartsWith("System.Collections.Concurrent.", StringComparison.Ordinal)
            || (name.StartsWith("System.Collections.Generic.", StringComparison.Ordinal) && !definition.IsInterface && !name.Contains("Comparer", StringComparison.Ordinal))
            || name.StartsWith("System.Threading.", StringComparison.Ordinal)
            || name.StartsWith("System.Runtime.CompilerServices.ConditionalWeakTable", StringComparison.Ordinal)
            || definition == typeof(System.Text.StringBuilder)
            || typeof(Stream).IsAssignableFrom(definition);
    }

    private static bool IsOurs(Type type) =>
        type.Namespace?.StartsWith("Mdfs.", StringComparison.Ordinal) == true
        && type.GetCustomAttribute<CompilerGeneratedAttribute>() is null
        && type.GetCustomAttribute<System.CodeDom.Compiler.GeneratedCodeAttribute>() is null;

    private static Func<Type, bool> InRoom(string room) => type => type.Namespace == room || type.Namespace?.StartsWith(room + ".", StringComparison.Ordinal) == true;

    /// <summary>All types that a type's members and the bodies of its methods name.</summary>
    private static IEnumerable<Type> Mentioned(Type type)
    {
        const BindingFlags all = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        var named = new List<Type?> { type.BaseType };
        named.AddRange(type.GetInterfaces());
        named.AddRange(type.GetFields(all).Select(field => field.FieldType));
        named.AddRange(type.GetProperties(all).Select(property => property.PropertyType));
        foreach (var method in type.GetMethods(all).Cast<MethodBase>().Concat(type.GetConstructors(all)))
        {
            named.AddRange(method.GetParameters().Select(parameter => parameter.ParameterType));
            if (method is MethodInfo returning) named.Add(returning.ReturnType);
            named.AddRange(method.GetMethodBody()?.LocalVariables.Select(local => local.LocalType) ?? []);
            named.AddRange(Called(method));
        }

        return named.OfType<Type>().SelectMany(Parts);
    }

    private static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType ? Parts(type.GetElementType()!)
        : type.IsGenericType ? [type.GetGenericTypeDefinition(), .. type.GetGenericArguments().SelectMany(Parts)]
        : [type];

    /// <summary>The types, and the declaring types of the members, that a method's code refers to.</summary>
    private static IEnumerable<Type?> Called(MethodBase method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } code) yield break;
        for (var i = 0; i < code.Length;)
        {
            var value = code[i] == 0xFE ? (short)((0xFE << 8) | code[i + 1]) : code[i];
            var instruction = Instructions[value];
            i += instruction.Size;
            if (instruction.OperandType is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType)
                yield return Resolve(method, BitConverter.ToInt32(code, i));
            i += instruction.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(code, i),
                _ => 4,
            };
        }
    }

    private static Type? Resolve(MethodBase method, int token)
    {
        try
        {
            var arguments = method.DeclaringType is { IsGenericType: true } generic ? generic.GetGenericArguments() : null;
            var member = method.Module.ResolveMember(token, arguments, method.IsGenericMethod ? method.GetGenericArguments() : null);
            return member as Type ?? member?.DeclaringType;
        }
        catch (Exception failure) when (failure is ArgumentException or BadImageFormatException)
        {
            return null;
        }
    }
}
