/**
 * How long a request may take. A pack by a thin line takes hours when several share it, and is not late: late is what
 * gets nowhere. So the time begins anew with whatever was sent or has come.
 */
export interface TimeLimit {
  /** Aborts with a `TimeoutError`. */
  readonly signal: AbortSignal;
  /** Something was sent or has come. */
  readonly moved: () => void;
  /** To be called when the request is over. */
  readonly end: () => void;
}

/** Milliseconds: nobody is to hold us for days with a byte now and then. */
const MOST = 6 * 3_600_000;

/** `standstill`: milliseconds without anything moving. */
export function limitStandstill(standstill: number): TimeLimit {
  const ending = new AbortController();
  const late = (): void => ending.abort(new DOMException('nothing moved in time', 'TimeoutError'));
  const whole = setTimeout(late, MOST);
  let movedAt = performance.now();
  // A timer anew for each of the thousands of pieces would cost more than to look, when it rings, when one came last.
  const look = (): void => {
    const left = movedAt + standstill - performance.now();
    if (left > 0) timer = setTimeout(look, left);
    else late();
  };
  let timer = setTimeout(look, standstill);
  return {
    signal: ending.signal,
    moved: () => {
      movedAt = performance.now();
    },
    end: () => {
      clearTimeout(timer);
      clearTimeout(whole);
    },
  };
}
