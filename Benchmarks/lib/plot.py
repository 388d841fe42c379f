"""Line charts as SVG, for light and dark backgrounds."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 40, 48
STYLE = """
  .ground { fill: #ffffff; } .words { fill: #24292f; font: 12px sans-serif; } .title { font-weight: bold; }
  .grid { stroke: #d0d7de; stroke-width: 1; } .axis { stroke: #57606a; stroke-width: 1; }
  .line { fill: none; stroke-width: 2; } .line-0 { stroke: #0969da; } .line-1 { stroke: #bc4c00; } .line-2 { stroke: #1a7f37; }
  .dot-0 { fill: #0969da; } .dot-1 { fill: #bc4c00; } .dot-2 { fill: #1a7f37; } .line-1 { stroke-dasharray: 6 3; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; } .words { fill: #c9d1d9; } .grid { stroke: #30363d; } .axis { stroke: #8b949e; }
    .line-0 { stroke: #58a6ff; } .line-1 { stroke: #f0883e; } .line-2 { stroke: #3fb950; }
    .dot-0 { fill: #58a6ff; } .dot-1 { fill: #f0883e; } .dot-2 { fill: #3fb950; }
  }
"""


def short(value):
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


class Scale:
    """Maps values to coordinates, linearly or by their logarithm."""

    def __init__(self, values, low, high, is_logarithmic):
        self.low, self.high, self.is_logarithmic = low, high, is_logarithmic
        low_value, high_value = min(values), max(values)
        if is_logarithmic:
            self.first, self.last = math.log10(low_value), math.log10(high_value)
            self.first = math.floor(self.first + 1e-9)
            self.last = max(math.ceil(self.last - 1e-9), self.first + 1)
            self.ticks = [10.0 ** power for power in range(self.first, self.last + 1)]
        else:
            step = 10 ** math.floor(math.log10(high_value / 4))
            step = next(size * step for size in (1, 2, 5, 10) if high_value / (size * step) <= 5)
            self.first, self.last = 0, math.ceil(high_value / step) * step
            self.ticks = [step * index for index in range(int(round(self.last / step)) + 1)]

    def place(self, value):
        if self.is_logarithmic:
            value = math.log10(value)
        return self.low + (value - self.first) / (self.last - self.first) * (self.high - self.low)


def panel(left, title, x_label, y_label, lines, x_ticks, y_is_logarithmic):
    """`lines` are names with lists of (x, y)."""
    xs = [x for _, points in lines for x, _ in points]
    ys = [y for _, points in lines for _, y in points]
    x_scale = Scale(xs, left + LEFT, left + WIDTH - RIGHT, True)
    # The axis ends at the last value.
    x_scale.first, x_scale.last = math.log10(min(xs)), math.log10(max(xs))
    y_scale = Scale(ys, HEIGHT - BOTTOM, TOP + 18 * len(lines), y_is_logarithmic)
    out = [f'<text class="words title" x="{left + LEFT}" y="20">{escape(title)}</text>']
    for tick in y_scale.ticks:
        y = y_scale.place(tick) if tick > 0 or not y_is_logarithmic else y_scale.low
        out.append(f'<line class="grid" x1="{left + LEFT}" x2="{left + WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        out.append(f'<text class="words" text-anchor="end" x="{left + LEFT - 6}" y="{y + 4:.1f}">{short(tick)}</text>')
    for tick in x_ticks:
        x = x_scale.place(tick)
        out.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 4}"/>')
        out.append(f'<text class="words" text-anchor="middle" x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}">{short(tick)}</text>')
    out.append(f'<line class="axis" x1="{left + LEFT}" x2="{left + WIDTH - RIGHT}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>')
    out.append(f'<text class="words" text-anchor="middle" x="{left + (LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}">'
               f'{escape(x_label)}</text>')
    center = (TOP + HEIGHT - BOTTOM) / 2
    out.append(f'<text class="words" text-anchor="middle" transform="translate({left + 16} {center}) rotate(-90)">'
               f'{escape(y_label)}</text>')
    for index, (name, points) in enumerate(lines):
        path = " ".join(f"{x_scale.place(x):.1f},{y_scale.place(y):.1f}" for x, y in points)
        out.append(f'<polyline class="line line-{index}" points="{path}"/>')
        out.extend(f'<circle class="dot-{index}" cx="{x_scale.place(x):.1f}" cy="{y_scale.place(y):.1f}" r="3"/>'
                   for x, y in points)
        y = 36 + 16 * index
        out.append(f'<line class="line line-{index}" x1="{left + LEFT}" x2="{left + LEFT + 24}" y1="{y - 4}" y2="{y - 4}"/>')
        out.append(f'<text class="words" x="{left + LEFT + 30}" y="{y}">{escape(name)}</text>')
    return out


def write(path, description, panels):
    """Writes panels beside each other; each is the arguments of `panel` after the first."""
    width = WIDTH * len(panels)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}" '
             f'role="img" aria-label="{escape(description)}">', f"<title>{escape(description)}</title>",
             f"<style>{STYLE}</style>", f'<rect class="ground" width="{width}" height="{HEIGHT}"/>']
    for index, arguments in enumerate(panels):
        parts += panel(index * WIDTH, *arguments)
    with open(path, "w") as file:
        file.write("\n".join([*parts, "</svg>", ""]))
