/**
 * Sealed session objects that this device made, kept in the state folder: in a repository lie two of a chain, and without
 * one of them nobody reads what was stored in its sessions. Only a reader's key opens them; whatever is damaged here
 * counts as nothing.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes, fromHex, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import { asObjectName, type Custody, type ObjectName, overrideCustody, type VaultId } from '@keephold/protocol';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

const AT_ONCE = 16;

export class SessionCopies {
  readonly #folder: string;

  constructor(stateFolder: string) {
    this.#folder = join(stateFolder, 'sessions');
  }

  /** `object` has that name. Costs a look at the file once it is there. */
  keep(name: ObjectName, object: Uint8Array): void {
    if (this.load(name) === undefined) writePrivateFile(this.#pathOf(name), object);
  }

  /** The sealed object; undefined when there is no copy, or not of these bytes. */
  load(name: ObjectName): Uint8Array | undefined {
    const bytes = readPrivateFile(this.#pathOf(name));
    return bytes !== undefined && isNamed(bytes, name) ? bytes : undefined;
  }

  names(): readonly ObjectName[] {
    let files: string[];
    try {
      files = readdirSync(this.#folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    return files.filter((file) => /^[0-9a-f]{64}$/.test(file)).map((file) => asObjectName(fromHex(file)));
  }

  #pathOf(name: ObjectName): string {
    return join(this.#folder, toHex(name));
  }
}

export interface SessionPlace {
  readonly custody: Pick<Custody, 'getObjects' | 'putObject'>;
  readonly copies: SessionCopies;
  readonly vaultId: VaultId;
}

/** Puts back all that the repository does not have whole and this machine has. Answers how many objects. */
export async function mendSessionObjects(place: SessionPlace): Promise<number> {
  const names = place.copies.names();
  let mended = 0;
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const some = names.slice(at, at + AT_ONCE);
    const stored = await place.custody.getObjects(place.vaultId, some);
    for (const [i, name] of some.entries())
      if (!isNamed(stored[i], name) && (await mendSessionObject(place, name))) mended++;
  }
  return mended;
}

/** Puts an object back that the repository does not have whole. Answers whether this machine had it. */
export async function mendSessionObject(
  { custody, copies, vaultId }: SessionPlace,
  name: ObjectName,
): Promise<boolean> {
  const copy = copies.load(name);
  if (copy === undefined) return false;
  await custody.putObject(vaultId, name, copy);
  return true;
}

/** Gives to who reads the copy of this machine for a session object that the repository does not have whole. */
export function withSessionCopies(custody: Custody, copies: SessionCopies): Custody {
  let names: ReadonlySet<string> | undefined;
  return overrideCustody(custody, {
    getObjects: async (vault, wanted) => {
      const stored = await custody.getObjects(vault, wanted);
      names ??= new Set(copies.names().map(toHex));
      const has = names;
      return stored.map((bytes, i) => {
        const name = wanted[i]!;
        return has.has(toHex(name)) && !isNamed(bytes, name) ? copies.load(name) : bytes;
      });
    },
  });
}

export function isNamed(bytes: Uint8Array | undefined, name: ObjectName): bytes is Uint8Array {
  return bytes !== undefined && equalBytes(sha256(bytes), name);
}
