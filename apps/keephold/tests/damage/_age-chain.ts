/** Makes the next backup begin a chain of its own, as on devices that are on once a month. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeDeviceState, encodeDeviceState } from '@keephold/vault';
import { changeVersionedFile } from '../../src/access/versioned-file.ts';
import type { Home } from './_home.ts';

const DAY = 24 * 3600 * 1000;

export function ageChain({ folder }: Pick<Home, 'folder'>): void {
  for (const account of readdirSync(join(folder, 'state')).filter((name) => /^[0-9a-f]{32}$/.test(name))) {
    changeVersionedFile({ folder: join(folder, 'state', account), name: 'device' }, (bytes) => {
      const state = decodeDeviceState(bytes!);
      if (state.chain === undefined) return bytes!;
      return encodeDeviceState({ ...state, chain: { ...state.chain, startedAt: state.chain.startedAt - 31 * DAY } });
    });
  }
}
