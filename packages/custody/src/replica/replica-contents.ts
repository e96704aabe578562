/**
 * Packs and objects of a vault at the second site: what is there, and getting more there. Each is compared with its name
 * on the way, so that nothing damaged here is taken for the copy.
 */
import type { ListedObject } from '@keephold/backend';
import { equalBytes, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { type ObjectName, type PackId, type PackIdList, packIdAt, packIdCount } from '@keephold/protocol';
import { isPack, packArea } from '../heal/lost-packs.ts';
import { objectName, objectsFolder, packName, packsFolder } from '../layout.ts';
import type { Sites } from './sites.ts';

/** Each holds 17 MiB. */
const PACKS_AT_ONCE = 2;
const OBJECTS_AT_ONCE = 8;

export class ReplicaContents {
  readonly #sites: Sites;
  /** Hex of what is there. */
  readonly packs: Set<string>;
  readonly objects: Set<string>;
  copiedPacks = 0;
  copiedObjects = 0;
  copiedBytes = 0;
  readonly #areas: Uint8Array[] = [];

  private constructor(sites: Sites, packs: Set<string>, objects: Set<string>) {
    this.#sites = sites;
    this.packs = packs;
    this.objects = objects;
  }

  /** Lists what is there. */
  static async look(sites: Sites): Promise<ReplicaContents> {
    const { to, vault } = sites;
    const packs = await hashesIn(to.list(packsFolder(vault)));
    return new ReplicaContents(sites, packs, await hashesIn(to.list(objectsFolder(vault))));
  }

  /** Those that are not there and can be read here. */
  async copyPacks(ids: PackIdList): Promise<void> {
    const wanted: PackId[] = [];
    for (let i = 0; i < packIdCount(ids); i++) {
      const id = packIdAt(ids, i);
      if (!this.packs.has(toHex(id))) wanted.push(new Uint8Array(id) as Uint8Array as PackId);
    }
    await this.#eachOf(wanted, PACKS_AT_ONCE, async (id) => {
      const area = this.#areas.pop() ?? packArea();
      await this.#copyPack(id, area);
      this.#areas.push(area);
    });
  }

  async copyObjects(names: readonly Uint8Array[]): Promise<void> {
    const wanted = names.filter((name) => !this.objects.has(toHex(name)));
    await this.#eachOf(wanted, OBJECTS_AT_ONCE, async (name) => await this.#copyObject(name as ObjectName));
  }

  async #copyPack(id: PackId, area: Uint8Array): Promise<void> {
    const { from, to, vault, signal } = this.#sites;
    const bytes = await from.get(packName(vault, id), { into: area });
    if (bytes === undefined || !isPack(id, bytes)) return;
    await to.putNew(packName(vault, id), bytes, { sha256: id, signal });
    this.packs.add(toHex(id));
    this.copiedPacks++;
    this.copiedBytes += bytes.length;
  }

  async #copyObject(name: ObjectName): Promise<void> {
    const { from, to, vault, signal } = this.#sites;
    const bytes = await from.get(objectName(vault, name));
    if (bytes === undefined || !equalBytes(sha256(bytes), name)) return;
    await to.putNew(objectName(vault, name), bytes, { sha256: name, signal });
    this.objects.add(toHex(name));
    this.copiedObjects++;
    this.copiedBytes += bytes.length;
  }

  async #eachOf<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
    const left = items.values();
    const worker = async (): Promise<void> => {
      for (const item of left) {
        this.#sites.signal.throwIfAborted();
        await work(item);
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  }
}

async function hashesIn(listing: AsyncIterable<ListedObject>): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { name } of listing) {
    const hex = name.slice(name.lastIndexOf('/') + 1);
    if (/^[0-9a-f]{64}$/.test(hex)) found.add(hex);
  }
  return found;
}
