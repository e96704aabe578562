/** What both platforms give for Argon2id. Types only: `#primitives/argon2` is the Node or the browser file at run time. */

export interface Argon2Cost {
  /** Memory in KiB (m). */
  readonly memoryKiB: number;
  /** Passes over it (t). */
  readonly passes: number;
  /** Lanes (p). */
  readonly lanes: number;
}

export interface Argon2Input {
  readonly password: Uint8Array;
  /** At least 8 bytes. */
  readonly salt: Uint8Array;
  readonly cost: Argon2Cost;
}

/** Argon2id version 0x13 (RFC 9106), 32 bytes, off the main thread where the platform can. Costs are not checked here. */
export declare function computeArgon2id(input: Argon2Input): Promise<Uint8Array<ArrayBuffer>>;
