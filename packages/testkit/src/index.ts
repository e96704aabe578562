/** What tests of several packages share: fixtures, faults on demand, conformance suites. Never part of a release. */
export * from './backend-suite.ts';
export * from './btrfs-disk.ts';
export * from './custody-fixture.ts';
export * from './custody-suite.ts';
export * from './faulty-disk.ts';
export * from './faulty-proxy.ts';
export * from './lying-custody.ts';
export * from './mock-bus.ts';
export * from './postgres-cluster.ts';
export * from './s3-place.ts';
export * from './slow-line.ts';
export * from './user-systemd.ts';
