/** What both platforms give for AES-256-GCM. Types only: `#primitives/aes-gcm` is the Node or the browser file at run time. */

export interface AesGcmPlace {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 12 bytes, never used twice with one key. */
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
}

export interface SealAesGcmOptions extends AesGcmPlace {
  readonly plaintext: Uint8Array;
}

export interface OpenAesGcmOptions extends AesGcmPlace {
  /** ciphertext ‖ tag 16. */
  readonly sealed: Uint8Array;
}

/** ciphertext ‖ tag 16. */
export declare function sealAesGcm(options: SealAesGcmOptions): Promise<Uint8Array<ArrayBuffer>>;

/** The plaintext, or undefined when the tag does not fit: nothing partial is ever given. */
export declare function openAesGcm(options: OpenAesGcmOptions): Promise<Uint8Array<ArrayBuffer> | undefined>;
