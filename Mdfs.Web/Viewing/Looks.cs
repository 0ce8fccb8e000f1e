using MudBlazor;

namespace Mdfs.Web.Viewing;

/// <summary>The console's colours and letters. The same colours stand in <c>console.css</c> for the pages that MudBlazor does not make.</summary>
internal static class Looks
{
    // What the system has: no font is loaded, from here or elsewhere.
    private static readonly string[] _fonts =
        ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"];

    /// <summary>A theme of its own for each circuit, since MudBlazor's can be changed.</summary>
    public static MudTheme Make() => new()
    {
        PaletteLight = new PaletteLight
        {
            Primary = "#2f56c8",
            Secondary = "#0f766e",
            Tertiary = "#7c4dbd",
            Info = "#2f56c8",
            Success = "#187a48",
            Warning = "#9a5b00",
            Error = "#b8262f",
            Background = "#f5f6f8",
            Surface = "#ffffff",
            AppbarBackground = "#ffffff",
            AppbarText = "#1c2430",
            DrawerBackground = "#ffffff",
            DrawerText = "#3b4656",
            DrawerIcon = "#5b6778",
            TextPrimary = "#1c2430",
            TextSecondary = "#566173",
            ActionDefault = "#566173",
            LinesDefault = "#e3e7ed",
            LinesInputs = "#8a94a5",
            TableLines = "#e9ecf1",
            Divider = "#e3e7ed",
            TableHover = "#f2f5fb",
        },
        PaletteDark = new PaletteDark
        {
            Primary = "#8fb0ff",
            PrimaryContrastText = "#0e1420",
            Secondary = "#5fd0c5",
            SecondaryContrastText = "#0e1420",
            Tertiary = "#c6a4f5",
            Info = "#8fb0ff",
            InfoContrastText = "#0e1420",
            Success = "#5fce93",
            SuccessContrastText = "#0e1420",
            Warning = "#f0b45c",
            WarningContrastText = "#0e1420",
            Error = "#ff8f8f",
            ErrorContrastText = "#0e1420",
            Background = "#10141b",
            Surface = "#181e27",
            AppbarBackground = "#181e27",
            AppbarText = "#e6eaf1",
            DrawerBackground = "#181e27",
            DrawerText = "#c3cbd8",
            DrawerIcon = "#9aa5b6",
            TextPrimary = "#e6eaf1",
            TextSecondary = "#a5b0c0",
            ActionDefault = "#a5b0c0",
            LinesDefault = "#2a323e",
            LinesInputs = "#6c788a",
            TableLines = "#262e39",
            Divider = "#2a323e",
            TableHover = "#1f2733",
        },
        LayoutProperties = new LayoutProperties { DefaultBorderRadius = "10px", DrawerWidthLeft = "232px", AppbarHeight = "56px" },
        Typography = new Typography
        {
            Default = new DefaultTypography { FontFamily = _fonts, FontSize = ".9rem", LineHeight = "1.5", LetterSpacing = "normal" },
            Button = new ButtonTypography { FontFamily = _fonts, TextTransform = "none", FontWeight = "600", LetterSpacing = "normal" },
            H5 = new H5Typography { FontFamily = _fonts, FontSize = "1.45rem", FontWeight = "650", LetterSpacing = "-.01em" },
            H6 = new H6Typography { FontFamily = _fonts, FontSize = "1.05rem", FontWeight = "650", LetterSpacing = "normal" },
            Body1 = new Body1Typography { FontFamily = _fonts, FontSize = ".95rem", LetterSpacing = "normal" },
            Body2 = new Body2Typography { FontFamily = _fonts, FontSize = ".875rem", LetterSpacing = "normal" },
            Caption = new CaptionTypography { FontFamily = _fonts, FontSize = ".78rem", LetterSpacing = "normal" },
        },
    };
}
