/** Writes a curve as SVG: panels of one scale side by side, a legend, in light and in dark. */
import type { Curve, Line, Panel, Point } from "./curves.ts";

const panelWidth = 430;
const panelHeight = 300;
const margin = { left: 64, right: 18, top: 34, bottom: 48 };
const headHeight = 78;
/** Told apart in light and in dark, and by whoever sees no red or green. */
const colours = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8a63d2", "#7f7f7f"];

const style = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .panel { font-weight: 600; }
  .soft { fill: #59636e; }
  .label { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; }
  .ground { fill: #ffffff; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .axis { stroke: #59636e; stroke-width: 1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .soft { fill: #9198a1; } .ground { fill: #0d1117; }
    .label { stroke: #0d1117; }
    .grid { stroke: #3d444d; } .axis { stroke: #9198a1; }
  }`;

const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const round = (value: number): number => Math.round(value * 10) / 10;

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapeText(content)}</text>`;
}

interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** 1, 2 or 5 times a power of ten, so that about `count` of them fit. */
function stepFor(span: number, count: number): number {
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  return ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power;
}

function linearScale(top: number, from: number, to: number): Scale {
  const step = stepFor(top || 1, 5);
  const end = Math.ceil((top || 1) / step) * step;
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, index) => index * step);
  return { place: (value) => from + (value / end) * (to - from), ticks };
}

function powersBetween(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

function logScale(ticks: readonly number[], from: number, to: number): Scale {
  const [low, high] = [Math.log10(ticks[0] ?? 1), Math.log10(ticks.at(-1) ?? 10)];
  const place = (value: number) => from + ((Math.log10(value) - low) / (high - low || 1)) * (to - from);
  return { place, ticks };
}

/** Values that are this far apart are shown by their powers. */
const isWide = (values: readonly number[], factor: number): boolean =>
  Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) >= factor;

/** Measured numbers stand evenly where they grow by factors. */
function scaleX(values: readonly number[], from: number, to: number): Scale {
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  if (isWide(distinct, 20)) return logScale(distinct, from, to);
  return { ...linearScale(Math.max(...distinct), from, to), ticks: distinct };
}

function scaleY(values: readonly number[], from: number, to: number): Scale {
  if (isWide(values, 50)) return logScale(powersBetween(Math.min(...values), Math.max(...values)), from, to);
  return linearScale(Math.max(...values), from, to);
}

const tickFormat = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** Below the point where another line is above it: there it is free. */
function drawLabel(point: Point, others: readonly Line[], x: Scale, y: Scale): string {
  if (point.label === "") return "";
  const isUnder = others.some((line) =>
    line.points.some((other) => other.x === point.x && other.y > point.y),
  );
  const top = y.place(point.y) + (isUnder ? 19 : -9);
  return text(x.place(point.x), top, point.label, 'text-anchor="middle" class="label"');
}

function drawLine({ points }: Line, others: readonly Line[], colour: string, x: Scale, y: Scale): string {
  const path = points.map((point) => `${round(x.place(point.x))},${round(y.place(point.y))}`).join(" ");
  const marks = points.map((point) => {
    const [left, top] = [round(x.place(point.x)), round(y.place(point.y))];
    const [low, high] = [round(y.place(point.low)), round(y.place(point.high))];
    return (
      `<path d="M${left} ${low}V${high}" stroke="${colour}" stroke-width="1.5"/>` +
      `<circle cx="${left}" cy="${top}" r="3.5" fill="${colour}"/>` +
      drawLabel(point, others, x, y)
    );
  });
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${marks.join("")}`;
}

function drawAxes(x: Scale, y: Scale, left: number, top: number, labels: { x: string; y: string }): string {
  const [right, bottom] = [left + panelWidth - margin.right, top + panelHeight - margin.bottom];
  const start = left + margin.left;
  const rows = y.ticks.map(
    (tick) =>
      `<path class="grid" d="M${start} ${round(y.place(tick))}H${right}"/>` +
      text(start - 8, y.place(tick) + 4, tickFormat.format(tick), 'text-anchor="end" class="soft"'),
  );
  const columns = x.ticks.map((tick) =>
    text(x.place(tick), bottom + 18, tickFormat.format(tick), 'text-anchor="middle" class="soft"'),
  );
  return [
    ...rows,
    ...columns,
    `<path class="axis" d="M${start} ${bottom}H${right}"/>`,
    text((start + right) / 2, bottom + 36, labels.x, 'text-anchor="middle"'),
    text(left + 8, top + margin.top - 12, labels.y, 'class="soft"'),
  ].join("");
}

function drawPanel(panel: Panel, curve: Curve, names: readonly string[], left: number, top: number): string {
  const points = curve.panels.flatMap(({ lines }) => lines.flatMap((line) => line.points));
  const [start, end] = [left + margin.left + 14, left + panelWidth - margin.right - 22];
  const x = scaleX(
    points.map((point) => point.x),
    start,
    end,
  );
  const bottom = top + panelHeight - margin.bottom;
  const y = scaleY(
    points.flatMap(({ low, high }) => [low, high]),
    bottom,
    top + margin.top,
  );
  const lines = panel.lines.map((line) => {
    const colour = colours[names.indexOf(line.name) % colours.length] ?? "";
    const others = panel.lines.filter((other) => other !== line);
    return drawLine(line, others, colour, x, y);
  });
  const title = text(left + margin.left, top + margin.top - 12, panel.title, 'class="panel"');
  return drawAxes(x, y, left, top, { x: curve.x, y: curve.y }) + title + lines.reverse().join("");
}

function drawLegend(
  names: readonly string[],
  width: number,
): { readonly drawing: string; readonly rows: number } {
  let [left, row] = [16, 0];
  const entries = names.map((name, index) => {
    const size = 34 + name.length * 7;
    if (left + size > width) [left, row] = [16, row + 1];
    const top = headHeight - 12 + row * 18;
    const drawing =
      `<path d="M${left} ${top - 4}h16" stroke="${colours[index % colours.length]}" stroke-width="3"/>` +
      text(left + 22, top, name);
    left += size;
    return drawing;
  });
  return { drawing: entries.join(""), rows: row + 1 };
}

export function renderChart(curve: Curve): string {
  const columns = Math.min(2, curve.panels.length);
  const width = columns * panelWidth + 12;
  const names = [...new Set(curve.panels.flatMap(({ lines }) => lines.map(({ name }) => name)))];
  const legend = drawLegend(names, width);
  const begin = headHeight + legend.rows * 18 - 10;
  const height = begin + Math.ceil(curve.panels.length / columns) * panelHeight;
  const panels = curve.panels.map((panel, index) =>
    drawPanel(
      panel,
      curve,
      names,
      (index % columns) * panelWidth,
      begin + Math.floor(index / columns) * panelHeight,
    ),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escapeText(curve.title)}</title>
<style>${style}
</style>
<rect class="ground" width="${width}" height="${height}"/>
${text(16, 28, curve.title, 'class="title"')}
${text(16, 48, curve.subtitle, 'class="soft"')}
${legend.drawing}
${panels.join("\n")}
</svg>
`;
}
