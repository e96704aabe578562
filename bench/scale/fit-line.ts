/** How a cost grows with what it is paid for. */
export interface Line {
  /** Cost of nothing. */
  readonly fixed: number;
  /** Cost of one more. */
  readonly slope: number;
  /** 1 when all points lie on the line. */
  readonly fit: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Least squares. */
export function fitLine(points: readonly Point[]): Line {
  const mean = (of: (point: Point) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  const spreadX = mean((point) => (point.x - x) ** 2);
  const spreadY = mean((point) => (point.y - y) ** 2);
  const together = mean((point) => (point.x - x) * (point.y - y));
  const slope = together / spreadX;
  return { fixed: y - slope * x, slope, fit: spreadY === 0 ? 1 : together ** 2 / (spreadX * spreadY) };
}

/**
 * p of `fixed + c·nᵖ`, from the costs at 1×, 2× and 4×: 1 is linear, 2 quadratic. Undefined when the cost grows by less
 * than `noise` from 1× to 2×: then nothing can be said.
 */
export function exponent([one, two, four]: readonly [number, number, number], noise: number): number | undefined {
  if (two - one < noise || four - two < noise) return undefined;
  return Math.log2((four - two) / (two - one));
}
