/** The server's side of OPAQUE, as the app passes it in: keepers hold no secret and import none (security.md §2). */
export interface OpaqueParties {
  readonly accountId: Uint8Array;
  readonly serverId: Uint8Array;
}

export interface OpaqueSide {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Throws when the request is none. */
  register(credentialId: Uint8Array, request: Uint8Array): Uint8Array;
  /** An answer of the same form, in the same time, without a record. Throws when the request is none. */
  startLogin(options: {
    readonly credentialId: Uint8Array;
    readonly record: Uint8Array | undefined;
    readonly request: Uint8Array;
    readonly parties: OpaqueParties;
  }): { readonly state: Uint8Array; readonly response: Uint8Array };
  finishLogin(options: {
    readonly state: Uint8Array;
    readonly message: Uint8Array;
    readonly parties: OpaqueParties;
    readonly binding: { readonly key: Uint8Array; readonly mac: Uint8Array };
  }): boolean;
}
