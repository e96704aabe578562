/** What the fuzzer takes. */
export interface Decoder {
  readonly name: string;
  /** Valid records. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Throws a typed error for what is no record. Answers what was read, written again, when there is only one way to
   * write it; that must be the input.
   */
  readonly decode: (bytes: Uint8Array) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Share of the executions, for one that is slow. */
  readonly share?: number;
}

/** What is written in one way only: read, and written again. */
export function codec<T>(
  name: string,
  seeds: readonly Uint8Array[],
  read: (bytes: Uint8Array) => T,
  write: (value: T) => Uint8Array,
): Decoder {
  return { name, seeds, decode: (bytes) => write(read(bytes)) };
}

/** What is read and checked. */
export function reader(name: string, seeds: readonly Uint8Array[], read: (bytes: Uint8Array) => unknown): Decoder {
  return {
    name,
    seeds,
    decode: async (bytes) => {
      await read(bytes);
      return undefined;
    },
  };
}
