"""How the parts of the dashboard look: sizes and borders; colours are the terminal's own, light or dark."""

CSS = """
Screen { layers: base; background: ansi_default; color: ansi_default; }
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
#filter { height: 1; border: none; padding: 0 1; display: none; background: ansi_default; }
#status { height: auto; max-height: 3; padding: 0 1; display: none; }
#keys { height: 1; padding: 0 1; }

.stacked #main { layout: vertical; }
.stacked #left, .stacked #preview { width: 1fr; }
.stacked #left { height: auto; max-height: 50%; min-height: 5; }
.stacked #preview { height: 1fr; }
.low #preview { display: none; }
.low #left { height: 1fr; max-height: 100%; }
.low #left, .low #preview { border: none; }
.zoomed #left { display: none; }
.zoomed #preview { display: block; height: 1fr; }

.dialog { align: center middle; background: ansi_default 0%; }
.dialog > Vertical, .dialog > VerticalScroll {
    width: 90%; max-width: 100; height: auto; max-height: 90%; padding: 1 2;
    border: round ansi_blue; background: ansi_default;
}
.dialog .danger { border: round ansi_red; }
.dialog #body { height: auto; max-height: 1fr; }
.dialog .buttons { height: auto; margin-top: 1; }
.dialog .hint { margin-top: 1; color: ansi_bright_black; }
.dialog Input, .dialog TextArea, .dialog Select { margin: 0; }
.dialog Input { border: tall ansi_bright_black; background: ansi_default; }
.dialog Input:focus { border: tall ansi_blue; }
.dialog TextArea { height: 8; border: tall ansi_bright_black; background: ansi_default; }
.dialog TextArea:focus { border: tall ansi_blue; }
.dialog OptionList { height: auto; max-height: 20; border: none; background: ansi_default; }
.dialog Label { margin-top: 1; }
"""
