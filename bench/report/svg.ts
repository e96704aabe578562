/** As much of SVG as a plot needs: elements that end up as text, with everything in them escaped. */
export interface Node {
  toString(): string;
}

type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, children: readonly (Node | string)[] = []): Node {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(String(value))}"`);
  const inside = children.map((child) => (typeof child === 'string' ? escape(child) : String(child))).join('\n');
  const markup = `<${name}${pairs.join('')}${inside === '' ? '/>' : `>${inside}</${name}>`}`;
  return { toString: () => markup };
}

export function text(x: number, y: number, content: string, classes = ''): Node {
  return element('text', { x: x.toFixed(1), y: y.toFixed(1), ...(classes === '' ? {} : { class: classes }) }, [
    content,
  ]);
}

function escape(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
