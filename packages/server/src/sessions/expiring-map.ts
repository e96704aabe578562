/**
 * Remembers keys for a time, in memory that is bounded: two generations, the older one dropped as a whole. A key is
 * known for at least `lifetime` and at most twice that, unless so many come that a generation is full.
 */
export class ExpiringMap<V> {
  readonly #lifetime: number;
  readonly #most: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #since: number;

  /** lifetime in milliseconds; most: keys of one generation. */
  constructor(options: { readonly lifetime: number; readonly most: number; readonly now: number }) {
    this.#lifetime = options.lifetime;
    this.#most = options.most;
    this.#since = options.now;
  }

  /** Some of them may have expired. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** False when it is full: nothing is forgotten early, the caller must refuse. */
  add(key: string, value: V, now: number): boolean {
    this.#turn(now);
    if (this.#young.size >= this.#most) return false;
    this.#young.set(key, value);
    return true;
  }

  get(key: string, now: number): V | undefined {
    this.#turn(now);
    return this.#young.get(key) ?? this.#old.get(key);
  }

  /** Takes it out: a second call answers undefined. */
  take(key: string, now: number): V | undefined {
    const found = this.get(key, now);
    this.#young.delete(key);
    this.#old.delete(key);
    return found;
  }

  deleteWhere(matches: (value: V) => boolean): void {
    for (const map of [this.#young, this.#old]) {
      for (const [key, value] of map) if (matches(value)) map.delete(key);
    }
  }

  #turn(now: number): void {
    const age = now - this.#since;
    if (age < this.#lifetime) return;
    this.#old = age < 2 * this.#lifetime ? this.#young : new Map();
    this.#young = new Map();
    this.#since = now;
  }
}
