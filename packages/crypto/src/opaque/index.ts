/** Passwords on a server, without the server learning them (security.md §3.6). Both sides; loaded apart from the rest. */
export {
  bindToSession,
  OPAQUE_COST,
  type OpaqueLoggedIn,
  type OpaqueLogin,
  type OpaqueRegistered,
  type OpaqueRegistration,
  startOpaqueLogin,
  startOpaqueRegistration,
} from './client.ts';
export type { OpaqueParties } from './library.ts';
export { createOpaqueSetup, type FinishLogin, OpaqueServer, type StartLogin } from './server.ts';
