/** Trees of real files as no one would make them, and edits between backups; all from one seed. */
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';

const SLASH = Buffer.from('/');

export class RandomTree {
  readonly root: Buffer;
  #state: number;

  constructor(root: string, seed: number) {
    this.root = Buffer.from(root);
    this.#state = seed >>> 0 || 1;
    mkdirSync(root);
  }

  /** From 0 to below `limit`. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    const repeats = this.below(2) === 0;
    for (let at = 0; at < length; at += 4) {
      if (at + 4 <= length)
        bytes.writeUInt32LE(repeats ? this.below(7) : (this.below(0xffff_ffff) ^ this.#state) >>> 0, at);
    }
    return bytes;
  }

  grow(entries: number): void {
    const folders = [this.root, ...this.#all().filter((path) => lstatSync(path).isDirectory())];
    for (let i = 0; i < entries; i++) {
      const path = Buffer.concat([folders[this.below(folders.length)] as Buffer, SLASH, this.#name()]);
      try {
        this.#make(path, folders);
      } catch (error) {
        // Names repeat.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' && (error as NodeJS.ErrnoException).code !== 'EISDIR')
          throw error;
      }
    }
  }

  edit(edits: number): void {
    for (let i = 0; i < edits; i++) {
      const all = this.#all();
      if (all.length === 0) return this.grow(5);
      this.#editOne(all[this.below(all.length)] as Buffer);
    }
  }

  #make(path: Buffer, folders: Buffer[]): void {
    switch (this.below(10)) {
      case 0:
      case 1:
        mkdirSync(path);
        folders.push(path);
        return;
      case 2:
        symlinkSync(this.#name(), path);
        return;
      case 3: {
        const files = this.#all().filter((other) => lstatSync(other).isFile());
        if (files.length > 0) linkSync(files[this.below(files.length)] as Buffer, path);
        return;
      }
      case 4: {
        const files = this.#all().filter((other) => lstatSync(other).isFile());
        if (files.length > 0) writeFileSync(path, readFileSync(files[this.below(files.length)] as Buffer));
        return;
      }
      case 5:
        writeFileSync(path, '');
        return;
      case 6:
        writeFileSync(path, this.bytes(this.below(3_000_000)));
        return;
      case 7: {
        writeFileSync(path, 'x');
        truncateSync(path, this.below(9_000_000));
        return;
      }
      default:
        writeFileSync(path, this.bytes(this.below(20_000)));
    }
  }

  #editOne(path: Buffer): void {
    const stat = lstatSync(path);
    switch (this.below(9)) {
      case 0:
        rmSync(path, { recursive: true });
        return;
      case 1:
        renameSync(path, Buffer.concat([this.root, SLASH, Buffer.from(`moved ${this.below(1e9)}`)]));
        return;
      case 2: {
        rmSync(path, { recursive: true });
        symlinkSync('somewhere', path);
        return;
      }
      case 3: {
        rmSync(path, { recursive: true });
        mkdirSync(path);
        return;
      }
      case 4:
      case 5:
        if (stat.isFile()) writeFileSync(path, this.bytes(this.below(300_000)));
        return;
      case 6:
        // The same length and time: only the time of change tells.
        if (stat.isFile() && stat.size > 0) {
          const content = readFileSync(path);
          content[this.below(content.length)] = this.below(256);
          writeFileSync(path, content);
          utimesSync(path, stat.atime, stat.mtime);
        }
        return;
      case 7:
        if (stat.isFile() || stat.isDirectory())
          utimesSync(path, new Date(), new Date(1_500_000_000_000 + this.below(1e9)));
        return;
      default:
        this.grow(2);
    }
  }

  #name(): Buffer {
    const length = 1 + this.below(6);
    const name = Buffer.alloc(length);
    const alphabet = [0x61, 0x62, 0x2e, 0x21, 0x30, 0x2d, 0x20, 0x0a, 0xff, 0xc3, 0xa4, 0x7f, 0x01];
    for (let i = 0; i < length; i++) name[i] = alphabet[this.below(alphabet.length)] as number;
    return name.equals(Buffer.from('.')) || name.equals(Buffer.from('..')) ? Buffer.from('dots') : name;
  }

  #all(): Buffer[] {
    const found: Buffer[] = [];
    const visit = (folder: Buffer): void => {
      for (const name of readdirSync(folder, 'buffer')) {
        const path = Buffer.concat([folder, SLASH, name]);
        found.push(path);
        if (lstatSync(path).isDirectory()) visit(path);
      }
    };
    visit(this.root);
    return found;
  }
}
