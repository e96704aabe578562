/** A server as a keeper. Runs anywhere there is `fetch`. */
export { HttpError } from './errors.ts';
export { HttpCustody } from './http-custody.ts';
export type { Answer, Outgoing, Send } from './send.ts';
export type { DeviceCredentials } from './session.ts';
export { createAccountOn, serverIdOf } from './sign-up.ts';
export type { TransportOptions } from './transport.ts';
