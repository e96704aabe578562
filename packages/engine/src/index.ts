export * from './node-fields.ts';
export * from './target.ts';
export * from './snapshot.ts';
