/**
 * A body as a stream of small copies: `fetch` cannot send from shared memory, and would copy a pack twice as a whole.
 * Whoever sends slowly is asked for the next piece later.
 */
const PIECE = 256 * 1024;

export function streamOf(bytes: Uint8Array, onSent?: () => void): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        onSent?.();
        if (at >= bytes.length) return controller.close();
        controller.enqueue(new Uint8Array(bytes.subarray(at, at + PIECE)));
        at += PIECE;
      },
    },
    { highWaterMark: 1 },
  );
}
