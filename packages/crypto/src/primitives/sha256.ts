/** What both platforms give for SHA-256. Types only: `#primitives/sha256` is the Node or the browser file at run time. */

/** Hash in progress. */
export interface Sha256 {
  update(bytes: Uint8Array): this;
  /** The 32 bytes; call once, and nothing after. */
  digest(): Uint8Array<ArrayBuffer>;
}

/** SHA-256 of the joined parts, 32 bytes. */
export declare function sha256(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer>;

export declare function createSha256(): Sha256;
