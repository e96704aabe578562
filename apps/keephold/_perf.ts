import { Worker } from 'node:worker_threads';
import { mkdirSync, rmSync, readFileSync, writeFileSync, existsSync } from 'node:fs';
import { backup } from '@keephold/engine/node';
import { createFileSource } from '@keephold/source-files';
import { createRepositoryFolder, openRepositoryFolder } from '@keephold/custody';
import { createAccount, startSession, writeKeysOf, publishAccount, openDevice, withChain, decodeDeviceState, encodeDeviceState, confirmSessionObject } from '@keephold/vault';
import { sign, systemRandom, ed25519FromSeed } from '@keephold/crypto';
const [,, root, src, ...rest] = process.argv;
const t0 = performance.now(); const mark = (s) => console.log(s, (performance.now()-t0).toFixed(0)+'ms');
const repo = root + '/repo', cache = root + '/cache', stateFile = root + '/state';
let custody, state;
if (!existsSync(repo)) {
  mkdirSync(cache, { recursive: true });
  const a = await createAccount({ password: 'bench horse battery', now: Date.now(), random: systemRandom, role: 'trusted', argon: undefined });
  custody = await createRepositoryFolder(repo, { accountId: a.accountId, keychain: a.keychainEntries, slots: a.slots, keyring: a.sealedKeyring, grants: [] });
  await custody[Symbol.asyncDispose]();
  state = a.device; writeFileSync(stateFile, encodeDeviceState(state));
}
state = decodeDeviceState(readFileSync(stateFile));
mark('state');
custody = await openRepositoryFolder(repo, {});
const opened = await openDevice(custody, state);
mark('opened');
const keys = writeKeysOf(state);
const kc = opened.keychain;
const spawnWorker = () => new Worker(new URL(import.meta.url.endsWith('.ts') ? './src/backup-worker.ts' : './backup-worker.js', import.meta.url));
const report = await backup({
  custody, keys, devicePublicKey: ed25519FromSeed(state.signingSeed).publicKey, sign: (m) => sign(state.signingSeed, m), keychain: { seq: kc.seq, hash: kc.hash ?? kc.headHash },
  nextSession: async () => { const s = await startSession({ chain: state.chain, vaultId: keys.vaultId, deviceId: keys.deviceId, epoch: keys.epoch, readKeyPublic: keys.readKeyPublic, machineId: 'x', now: Date.now(), random: systemRandom, persist: async (n) => { state = withChain(state, n); writeFileSync(stateFile, encodeDeviceState(state)); } });
    return { ...s, confirmed: () => { state = withChain(state, confirmSessionObject(state.chain)); writeFileSync(stateFile, encodeDeviceState(state)); } }; },
  stream: new Uint8Array(16).fill(7), hostname: 'h', clientVersion: '0', source: createFileSource({ roots: [Buffer.from(src)], filter: undefined, oneFileSystem: false }),
  spawnWorker, workers: 2, cacheFolder: cache, tags: [], compression: 3, memory: 256 << 20, checkpointEvery: 300000, dryRun: false, signal: new AbortController().signal, onProgress: () => {}, now: () => BigInt(Date.now()) * 1000000n, random: systemRandom, native: process.env.NONATIVE === undefined,
});
mark('done');
console.log({ ...report, excluded: undefined, unreadable: report.unreadable.length }); console.log(JSON.stringify(process.memoryUsage())); globalThis.gc?.(); console.log('gc', JSON.stringify(process.memoryUsage())); console.log('maxrss', process.resourceUsage().maxRSS / 1024);
await custody[Symbol.asyncDispose]();
