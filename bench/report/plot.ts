/**
 * The plot of a result: for each data set and figure, one bar a tool, as long as its ratio to the baseline. Colours come
 * in two sets, for light and dark; every bar has its value in text, so that none depends on colour.
 */
import { baselineOf, type Result, sizeOf } from './result.ts';
import { type Figure, figures, type Summary, summarize } from './summary.ts';
import { element, type Node, text } from './svg.ts';

const WIDTH = 860;
const LEFT = 190;
const RIGHT = 70;
const BAR = 11;
const GROUP_GAP = 9;
const PANEL_HEAD = 44;
const TOP = 74;
/** Longer bars are cut here; their value says how long they are. */
const LONGEST = 2;
const GRID = [0.5, 1, 1.5, 2];

const STYLE = `
  :root { --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --grid: #d1d9e0; --base: #1f2328; --t0: #0969da; --t1: #bf8700; --t2: #6e7781; }
  @media (prefers-color-scheme: dark) {
    :root { --paper: #0d1117; --ink: #f0f6fc; --faint: #9198a1; --grid: #30363d; --base: #f0f6fc; --t0: #4493f8; --t1: #d29922; --t2: #8b949e; }
  }
  text { font: 12px system-ui, sans-serif; fill: var(--ink); }
  .title { font-size: 16px; font-weight: 600; } .set { font-size: 13px; font-weight: 600; } .faint { fill: var(--faint); font-size: 11px; }
  .value { font-size: 10px; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; } .end { text-anchor: end; } .middle { text-anchor: middle; }
  .paper { fill: var(--paper); } .grid { stroke: var(--grid); } .base { stroke: var(--base); stroke-width: 1.5; }
  .t0 { fill: var(--t0); } .t1 { fill: var(--t1); } .t2 { fill: var(--t2); }
`;

/** Nothing to compare with: no plot. */
export function toPlot(result: Result): string | undefined {
  const baseline = baselineOf(result);
  if (baseline === undefined) return undefined;
  const tools = result.tools.map(({ name }) => name).filter((name) => name !== baseline);
  const content: Node[] = [];
  let y = TOP;
  for (const set of result.sets) {
    const panel = drawPanel({ result, set, tools, baseline, top: y });
    content.push(...panel.nodes);
    y = panel.bottom + 18;
  }
  return String(
    element(
      'svg',
      { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${WIDTH} ${y}`, width: WIDTH, height: y, role: 'img' },
      [
        element('title', {}, [`Ratios to ${baseline}: time, size, memory`]),
        element('style', {}, [STYLE]),
        element('rect', { class: 'paper', width: WIDTH, height: y, rx: 8 }),
        ...heading(result, { tools, baseline }),
        ...content,
      ],
    ),
  );
}

interface Names {
  readonly tools: readonly string[];
  readonly baseline: string;
}

function heading(result: Result, { tools, baseline }: Names): Node[] {
  const { machine, date, quick } = result;
  const versions = result.tools.map(({ version }) => version).join(', ');
  const legend = tools.flatMap((name, i) => [
    element('rect', { class: `t${i}`, x: LEFT + i * 110, y: 52, width: 11, height: 11, rx: 2 }),
    text(LEFT + i * 110 + 16, 62, name),
  ]);
  return [
    text(
      20,
      26,
      `Relative to ${baseline}: shorter is better${quick ? ' (quick run: too small to mean anything)' : ''}`,
      'title',
    ),
    text(
      20,
      43,
      `${date.slice(0, 10)} · ${versions} · ${machine.cpu}, ${machine.cores} cores · medians of ${result.runs}`,
      'faint',
    ),
    ...legend,
  ];
}

interface PanelOptions extends Names {
  readonly result: Result;
  readonly set: Result['sets'][number];
  readonly top: number;
}

function drawPanel(options: PanelOptions): { nodes: Node[]; bottom: number } {
  const { result, set, tools, baseline, top } = options;
  const base = summarize(result.rows, baseline, set.name);
  const summaries = tools.map((name) => summarize(result.rows, name, set.name));
  const first = top + PANEL_HEAD;
  const step = tools.length * BAR + GROUP_GAP;
  const groups = figures.flatMap((figure, i) => drawGroup({ figure, summaries, base, y: first + i * step }));
  const bottom = first + figures.length * step;
  const caption = `${set.name}: ${set.title}, ${sizeOf(set)}`;
  return { nodes: [text(20, top + 18, caption, 'set'), ...grid(first, bottom, baseline), ...groups], bottom };
}

function grid(top: number, bottom: number, baseline: string): Node[] {
  return GRID.flatMap((ratio) => {
    const x = scale(ratio);
    const line = element('line', { class: ratio === 1 ? 'base' : 'grid', x1: x, x2: x, y1: top - 4, y2: bottom });
    return [line, text(x, top - 9, ratio === 1 ? `${baseline} = 1` : String(ratio), 'faint middle')];
  });
}

interface GroupOptions {
  readonly figure: Figure;
  readonly summaries: readonly Summary[];
  readonly base: Summary;
  readonly y: number;
}

function drawGroup({ figure, summaries, base, y }: GroupOptions): Node[] {
  const height = summaries.length * BAR;
  const bars = summaries.flatMap((summary, i) => {
    const [value, one] = [summary.get(figure.key), base.get(figure.key)];
    const at = y + i * BAR;
    if (value === undefined || one === undefined || one === 0)
      return [text(LEFT + 4, at + BAR - 2, 'not measured', 'value')];
    const ratio = value / one;
    const width = scale(Math.min(ratio, LONGEST)) - LEFT;
    const label = ratio > LONGEST ? `› ${ratio.toFixed(2)}` : ratio.toFixed(2);
    return [
      element('rect', { class: `t${i}`, x: LEFT, y: at + 0.5, width: width.toFixed(1), height: BAR - 1, rx: 1.5 }),
      text(LEFT + width + 4, at + BAR - 2, label, 'value'),
    ];
  });
  return [text(LEFT - 10, y + height / 2 + 4, figure.title, 'end'), ...bars];
}

function scale(ratio: number): number {
  return LEFT + (ratio / LONGEST) * (WIDTH - LEFT - RIGHT);
}
