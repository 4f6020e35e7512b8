"""Names and words that some program along the way would obey rather than show."""

HOSTILE_WORDS = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '"onmouseover="alert(1)',
    "{{ 7*7 }}",
    "{% include 'x' %}",
    '=HYPERLINK("http://x.test","x")',
    "+cmd|' /C calc'!A0",
    "@SUM(1)",
    "-2+3",
    "a\nb\tc",
    "[red]x[/red]",
    "\x1b[31mred",
    "\x9b2J",
    "\u202egnp.exe",
)
MARKUP = HOSTILE_WORDS[:4]
FORMULAS = HOSTILE_WORDS[6:10]
CONTROLS = ("\x1b", "\x9b", "\u202e", "\x07")
