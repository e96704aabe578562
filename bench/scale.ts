/**
 * `node bench/scale.ts known-blobs|linear [files|bytes]|snapshots|beside-gc|many-files|devices [sqlite|postgres]|server [FOLDER] [--quick] [--runs N] [--no-build]`:
 * shows on this machine that memory stays bounded with ten million known blobs and with two million files, that cost grows
 * linearly, what years of snapshots cost, and how a server bears a night of a thousand devices.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildCommand } from './measure/build-command.ts';
import { proveBesideCollection } from './scale/beside-collection.ts';
import { type NightShape, nightOf, proveDevicesNight } from './scale/devices-night.ts';
import { proveKnownBlobs } from './scale/known-blobs.ts';
import { proveLinearCost } from './scale/linear-cost.ts';
import { proveManyFiles } from './scale/many-files.ts';
import { plantKnownBlobs } from './scale/plant-known-blobs.ts';
import { plantSnapshots } from './scale/plant-snapshots.ts';
import { proveSnapshotsCost } from './scale/snapshots-cost.ts';
import { proveThroughServer } from './scale/through-server.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string' },
    'no-build': { type: 'boolean', default: false },
    brink: { type: 'boolean', default: false },
  },
});

const [proof, subject = '', count = '0'] = positionals;
const scope = { quick: values.quick, runs: Number(values.runs ?? (values.quick ? 1 : 3)) };

switch (proof) {
  case 'known-blobs':
    if (!values['no-build']) buildCommand();
    await proveKnownBlobs(scope);
    break;
  case 'linear':
    if (!values['no-build']) buildCommand();
    await proveLinearCost({ ...scope, in: subject });
    break;
  case 'snapshots':
    if (!values['no-build']) buildCommand();
    await proveSnapshotsCost(scope);
    break;
  case 'beside-gc':
    if (!values['no-build']) buildCommand();
    await proveBesideCollection(scope);
    break;
  case 'many-files':
    if (!values['no-build']) buildCommand();
    await proveManyFiles(scope);
    break;
  case 'devices':
    if (!values['no-build']) buildCommand();
    await proveDevicesNight({ ...scope, ledgers: subject });
    break;
  case 'server':
    if (!values['no-build']) buildCommand();
    await proveThroughServer({ ...scope, folder: subject === '' ? undefined : subject });
    break;
  case 'night':
    // For devices, in a process that can resolve the sources.
    console.log(JSON.stringify(await nightOf(JSON.parse(subject) as NightShape)));
    break;
  case 'plant':
    // For known-blobs, which starts it as a process of its own.
    console.log(
      JSON.stringify(await plantKnownBlobs({ folder: subject, blobs: Number(count), toTheBrink: values.brink })),
    );
    break;
  case 'plant-snapshots':
    // For snapshots, likewise: into the repository that the environment names.
    await plantSnapshots({ source: resolve(subject), snapshots: Number(count), last: Date.now() });
    break;
  default:
    console.error(
      'usage: node bench/scale.ts known-blobs|linear [files|bytes]|snapshots|beside-gc|many-files|devices [sqlite|postgres]|server [FOLDER] [--quick] [--runs N] [--no-build]',
    );
    process.exitCode = 2;
}
