import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileChanges } from './file-changes.ts';

test('changes in folders below are counted, and waited for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keephold-changes-'));
  try {
    mkdirSync(join(folder, 'deeper'));
    using changes = new FileChanges(folder);
    expect(changes.count).toBe(0);
    writeFileSync(join(folder, 'deeper', 'one'), 'bytes');
    await changes.reached(1);
    const seen = changes.count;
    writeFileSync(join(folder, 'two'), 'bytes');
    await changes.reached(seen + 1);
    expect(changes.count).toBeGreaterThan(seen);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
