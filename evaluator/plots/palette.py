"""The colours of drawings: names that follow the reader's theme in SVG, fixed light values in PNG.

The names are those of the platform's stylesheet, so that a drawing set into a page takes the page's theme. Series take
the colours of Okabe and Ito (2008), darkened on white where the original has less than 3:1.
"""

LIGHT = {
    "ink": "#1a1e1b",
    "muted": "#555c57",
    "line": "#d8dbd6",
    "surface": "#ffffff",
    "accent": "#0b5cad",
    "policy-0": "#0072b2",
    "policy-1": "#d55e00",
    "policy-2": "#00805d",
    "policy-3": "#b4578b",
    "policy-4": "#a87400",
    "policy-5": "#2c87bf",
    "policy-6": "#857a00",
    "policy-7": "#000000",
}
DARK = {
    "ink": "#e7e9eb",
    "muted": "#a9b1b8",
    "line": "#343b42",
    "surface": "#1a1e22",
    "accent": "#82bdff",
    "policy-0": "#4aa8e0",
    "policy-1": "#ee8137",
    "policy-2": "#25bd92",
    "policy-3": "#d991b9",
    "policy-4": "#e69f00",
    "policy-5": "#8bccf2",
    "policy-6": "#f0e442",
    "policy-7": "#ffffff",
}
SERIES = 8
# While drawing for SVG each name is a colour that nothing else has; cleaning puts var(--name) in its place.
MARKED = {name: f"#01a0{number:02x}" for number, name in enumerate(LIGHT)}
VARIABLE_OF = {colour: f"var(--{name})" for name, colour in MARKED.items()}


def series_colour(number: int) -> str:
    """The palette's name for series `number`; they repeat after eight."""
    return f"policy-{number % SERIES}"


def theme_rules(selector: str) -> str:
    """CSS that gives `selector` all colours, light, and dark where the reader prefers dark."""
    light, dark = (
        ";".join(f"--{name}:{colour}" for name, colour in theme.items()) for theme in (LIGHT, DARK)
    )
    return f"{selector}{{{light}}}@media (prefers-color-scheme:dark){{{selector}{{{dark}}}}}"
