/** The seam of channels: each sends one message, or says why not. */
import type { Channel, Message } from '@keephold/accounts/notices';

export interface Sender {
  readonly channel: Channel;
  /**
   * Resolves when the receiver has taken it. The same message may come twice: its id says so to the receiver.
   * @throws SendError
   */
  send(message: Message): Promise<void>;
}

export class SendError extends Error {
  /** Of a short list: nothing of what the other side said, which may repeat addresses and secrets. */
  readonly code: string;
  /** Whether another try is pointless. */
  readonly isFinal: boolean;

  constructor(code: string, { isFinal = false, cause }: { readonly isFinal?: boolean; readonly cause?: unknown } = {}) {
    super(`send message: ${code}`, { cause });
    this.name = 'SendError';
    this.code = code;
    this.isFinal = isFinal;
  }
}
