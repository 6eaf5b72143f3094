"""How the parts of the dashboard look: sizes and borders; colours are the terminal's own, light or dark."""

from __future__ import annotations

import os

from textual.theme import BUILTIN_THEMES


def default_theme() -> str:
    """Return the theme that a person has chosen for programs like this one, else the terminal's own colours."""
    wanted = os.environ.get("TEXTUAL_THEME", "")
    return wanted if wanted in BUILTIN_THEMES else "ansi-dark"


CSS = """
Screen { background: ansi_default; color: ansi_default; }
* {
    scrollbar-color: ansi_bright_black; scrollbar-color-hover: ansi_blue; scrollbar-color-active: ansi_blue;
    scrollbar-background: ansi_default; scrollbar-background-hover: ansi_default;
    scrollbar-background-active: ansi_default; scrollbar-corner-color: ansi_default;
}
#top { height: 1; padding: 0 1; }
#main { height: 1fr; }
#left { width: 5fr; border: round ansi_bright_black; border-title-color: ansi_default; }
#left:focus-within, #preview:focus-within { border: round ansi_blue; }
#headings { height: 1; }
#sessions { height: 1fr; scrollbar-size: 1 1; overflow-x: hidden; }
#preview { width: 6fr; border: round ansi_bright_black; }
#tabs { height: 1; }
#lines { height: 1fr; scrollbar-size: 1 1; }
#empty { height: 1fr; padding: 1 2; display: none; }
#filter { height: 1; border: none; padding: 0 1; background: ansi_default; }
#status { height: auto; max-height: 3; padding: 0 1; display: none; }
#keys { height: 1; padding: 0 1; }

.stacked #main { layout: vertical; }
.stacked #left, .stacked #preview { width: 1fr; }
.stacked #left { height: 50%; min-height: 5; }
.stacked #preview { height: 1fr; }
.low #preview { display: none; }
.low #left { height: 1fr; max-height: 100%; }
.low #left, .low #preview { border: none; }
.zoomed #left { display: none; }
.zoomed #preview { display: block; height: 1fr; }

.dialog { align: center middle; background: transparent; }
.dialog > Vertical, .dialog > VerticalScroll {
    width: 90%; max-width: 110; height: auto; max-height: 94%; padding: 1 2;
    border: round ansi_blue; background: ansi_default; overflow-y: auto; scrollbar-size: 1 1;
}
.dialog #error {
    height: auto; max-height: 50vh; margin-bottom: 1; scrollbar-size: 1 1;
    color: ansi_red; text-style: bold;
}
.tight > Vertical { max-height: 100%; padding: 0 1; }
SearchIcon { display: none; }
.dialog > .warns { border: round ansi_red; }
.dialog #body { height: auto; max-height: 75vh; scrollbar-size: 1 1; }
.dialog .buttons { height: auto; margin-top: 1; }
.dialog .below { layout: vertical; }
.dialog Button {
    min-width: 0; margin-right: 2; padding: 0 1;
    background: ansi_default; color: ansi_default; text-style: none;
}
.dialog Button:focus { background: ansi_blue; color: ansi_bright_white; text-style: bold; }
.dialog Button.danger { color: ansi_red; }
.dialog Button.danger:focus { background: ansi_red; color: ansi_bright_white; }
.dialog .hint { margin-top: 1; color: ansi_bright_black; }
.dialog Input, .dialog TextArea, .dialog Select { margin: 0; }
.dialog Input, .dialog Select { border: round ansi_bright_black; background: ansi_default; padding: 0 1; }
.dialog Input:focus, .dialog Select:focus { border: round ansi_blue; }
.dialog TextArea { height: 8; border: round ansi_bright_black; background: ansi_default; }
.dialog TextArea:focus { border: round ansi_blue; }
.dialog OptionList { height: auto; max-height: 20; border: none; background: ansi_default; }
"""
