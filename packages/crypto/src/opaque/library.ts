/** The OPAQUE library (WebAssembly, about 430 kB of text), loaded on first use: most runs need no server password. */
import { fromBase64Url, toBase64Url, toHex } from '@keephold/bytes';

export type OpaqueLibrary = typeof import('@serenity-kit/opaque');

/** Both sides of a registration or login must name the same two. */
export interface OpaqueParties {
  /** 16 bytes. */
  readonly accountId: Uint8Array;
  /** Whatever names the server for good. */
  readonly serverId: Uint8Array;
}

export async function loadOpaque(): Promise<OpaqueLibrary> {
  const library = await import('@serenity-kit/opaque');
  await library.ready;
  return library;
}

/** security.md §3.6: account id and server id, in hexadecimal. */
export function identifiersOf({ accountId, serverId }: OpaqueParties): { client: string; server: string } {
  return { client: toHex(accountId), server: toHex(serverId) };
}

/** The library speaks base64url; messages are bytes everywhere else. */
export const asText: (bytes: Uint8Array) => string = toBase64Url;
export const asBytes: (text: string) => Uint8Array<ArrayBuffer> = fromBase64Url;
