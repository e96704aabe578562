/** The Custody seam over HTTP. What it keeps it cannot read. */
export type { Authenticated, Authority, Principal, SignedRequest } from './authority.ts';
export { ServerError } from './errors.ts';
export { type AccountKeeper, FolderKeeper } from './keeper.ts';
export { type RunningServer, type ServerOptions, startServer } from './server.ts';
export { KeychainAuthority, type KeychainAuthorityOptions } from './sessions/keychain-authority.ts';
