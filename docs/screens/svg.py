#!/usr/bin/env python3
"""Draws a captured terminal screen as SVG: text with SGR colours on standard input, SVG on standard output.

The text is what `tmux capture-pane -e -p` prints. Nothing is added to it and nothing left out.
"""
import re
import sys
import unicodedata
from html import escape

WIDTH, HEIGHT, SIZE, MARGIN = 8.4, 18, 14, 12
GROUND, INK = "#16181d", "#d5d9e0"
BASE = ["#2a2d34", "#e06c75", "#8fbf7f", "#d9b86c", "#6ca6e0", "#c08fd9", "#67bcc2", "#d5d9e0"]
BRIGHT = ["#7a808c", "#ff8f98", "#b0e09f", "#f5d98a", "#8cc4ff", "#dcaaf5", "#8adfe5", "#ffffff"]


def indexed(n):
    if n < 8:
        return BASE[n]
    if n < 16:
        return BRIGHT[n - 8]
    if n >= 232:
        return "#" + f"{8 + 10 * (n - 232):02x}" * 3
    steps = [0, 95, 135, 175, 215, 255]
    n -= 16
    return "#{:02x}{:02x}{:02x}".format(steps[n // 36], steps[n // 6 % 6], steps[n % 6])


class Pen:
    def __init__(self):
        self.reset()

    def reset(self):
        self.ink = self.ground = None
        self.bold = self.dim = self.line = self.turned = False

    def take(self, codes):
        codes = [int(code or 0) for code in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code in (1, 2, 4, 7):
                setattr(self, {1: "bold", 2: "dim", 4: "line", 7: "turned"}[code], True)
            elif code == 22:
                self.bold = self.dim = False
            elif code in (24, 27):
                setattr(self, {24: "line", 27: "turned"}[code], False)
            elif 30 <= code < 38 or 90 <= code < 98:
                self.ink = indexed(code - 30 if code < 90 else code - 82)
            elif 40 <= code < 48 or 100 <= code < 108:
                self.ground = indexed(code - 40 if code < 100 else code - 92)
            elif code in (38, 48):
                kind = codes.pop(0)
                value = indexed(codes.pop(0)) if kind == 5 else "#{:02x}{:02x}{:02x}".format(*[codes.pop(0) for _ in "rgb"])
                setattr(self, "ink" if code == 38 else "ground", value)
            elif code == 39:
                self.ink = None
            elif code == 49:
                self.ground = None

    def style(self):
        ink, ground = self.ink or INK, self.ground
        if self.turned:
            ink, ground = ground or GROUND, ink
        return ink, ground, self.bold, self.dim, self.line


def cells(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def runs(line):
    pen = Pen()
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b["):
            pen.take(part[2:-1])
        elif part:
            yield pen.style(), part


def main():
    lines = sys.stdin.read().rstrip("\n").split("\n")
    columns = max([cells(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines] + [40])
    wide, high = columns * WIDTH + 2 * MARGIN, len(lines) * HEIGHT + 2 * MARGIN
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high}" viewBox="0 0 {wide:.0f} {high}" '
          f'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="{SIZE}">')
    print(f'<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>')
    for row, line in enumerate(lines):
        column, top = 0, MARGIN + row * HEIGHT
        for (ink, ground, bold, dim, under), text in runs(line):
            width = cells(text)
            left = MARGIN + column * WIDTH
            if ground:
                print(f'<rect x="{left:.1f}" y="{top}" width="{width * WIDTH:.1f}" height="{HEIGHT}" fill="{ground}"/>')
            if text.strip():
                marks = (' font-weight="bold"' if bold else "") + (' opacity="0.65"' if dim else "")
                marks += ' text-decoration="underline"' if under else ""
                print(f'<text x="{left:.1f}" y="{top + 13.5}" fill="{ink}"{marks} textLength="{width * WIDTH:.1f}" '
                      f'lengthAdjust="spacingAndGlyphs" xml:space="preserve">{escape(text)}</text>')
            column += width
    print("</svg>")


main()
