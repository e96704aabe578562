/** Numbers, sizes, times and durations in the form people use. JSON output never goes through here: it stays exact. */

const sizeUnits = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** 999 bytes, 1.2 kB, 45 MB, 3.40 GB: powers of 1000, three digits. */
export function formatBytes(bytes: number | bigint): string {
  let value = Number(bytes);
  if (value === 1) return '1 byte';
  let unit = 0;
  // 999.5 and above would show as 1000 of the smaller unit.
  while (value >= (unit === 0 ? 1000 : 999.5) && unit < sizeUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : threeDigits(value)} ${sizeUnits[unit]}`;
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

/** 1,234,567 */
export function formatCount(count: number | bigint): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 file`, `2 files`. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(Math.round(bytesPerSecond))}/s`;
}

/** 0.4 s, 12 s, 3 min 20 s, 2 h 05 min, 3 d 4 h. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** 5%, 0.4%, 100%: never 100% before it is all, never 0% when there is something. */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0) return '100%';
  const percent = (part / whole) * 100;
  if (percent <= 0) return '0%';
  if (percent < 1) return `${Math.max(0.1, percent).toFixed(1)}%`;
  return `${part < whole ? Math.min(99, Math.round(percent)) : Math.round(percent)}%`;
}

const nanosecondsPerMillisecond = 1_000_000n;

function dateOf(nanoseconds: bigint): Date {
  // Floor, not truncation: a time before 1970 must not move to the next millisecond.
  const rest = ((nanoseconds % nanosecondsPerMillisecond) + nanosecondsPerMillisecond) % nanosecondsPerMillisecond;
  return new Date(Number((nanoseconds - rest) / nanosecondsPerMillisecond));
}

/** Local time to the second: 2026-11-22 14:05:09. Times no calendar has are given in seconds since 1970. */
export function formatTime(nanoseconds: bigint): string {
  const date = dateOf(nanoseconds);
  if (Number.isNaN(date.getTime())) return `${nanoseconds / 1_000_000_000n} s`;
  const day = `${yearOf(date.getFullYear())}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** As formatTime, of unix milliseconds. */
export function formatClock(milliseconds: number): string {
  return formatTime(BigInt(Math.trunc(milliseconds)) * nanosecondsPerMillisecond);
}

/** Exact, UTC, nine digits: 2026-11-22T13:05:09.123456789Z (RFC 3339 for years 0 to 9999). */
export function exactTime(nanoseconds: bigint): string {
  const date = dateOf(nanoseconds);
  if (Number.isNaN(date.getTime())) return `${nanoseconds}ns`;
  const fraction = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return `${date.toISOString().replace(/\.\d{3}Z$/, '')}.${String(fraction).padStart(9, '0')}Z`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

function yearOf(year: number): string {
  return year < 0 ? `-${String(-year).padStart(6, '0')}` : String(year).padStart(4, '0');
}
