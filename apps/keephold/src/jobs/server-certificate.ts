/** The certificate of a server: read from its files, and again when they change, so that renewing it needs no restart. */
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { equalBytes } from '@keephold/bytes';
import type { Certificate, RunningServer } from '@keephold/server';
import type { Context } from '../context.ts';
import { CommandError, exitCodes, UsageError } from '../errors.ts';

export interface CertificateFiles {
  readonly chain: string;
  readonly key: string;
}

/** Whoever renews certificates for us need not tell us. */
const LOOK_AGAIN = 60_000;

/** Undefined when there is to be no TLS. */
export function certificateFiles(chain: string | undefined, key: string | undefined): CertificateFiles | undefined {
  if (chain === undefined && key === undefined) return undefined;
  if (chain !== undefined && key !== undefined) return { chain, key };
  throw new UsageError('a certificate and its key belong together', 'give both --tls-cert and --tls-key');
}

/** @throws CommandError 'certificate' */
export function readCertificate({ chain, key }: CertificateFiles): Certificate {
  try {
    refuseIfPublic(key);
    const certificate = { chain: new Uint8Array(readFileSync(chain)), key: new Uint8Array(readFileSync(key)) };
    createSecureContext({ cert: Buffer.from(certificate.chain), key: Buffer.from(certificate.key) });
    return certificate;
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(`the certificate ${chain} with the key ${key} cannot be used: ${reasonOf(cause)}`, {
      code: 'certificate',
      exitCode: exitCodes.failed,
      hint: 'both are PEM files; the certificate comes first, then those above it',
      cause,
    });
  }
}

/** Unlike our own keys it may be readable by a group: that is how systems hand keys to services. */
function refuseIfPublic(key: string): void {
  if (process.platform === 'win32' || (statSync(key).mode & 0o007) === 0) return;
  throw new CommandError(`${key} can be read by everybody on this machine`, {
    code: 'not-private',
    exitCode: exitCodes.failed,
    hint: `chmod 640 '${key}'`,
  });
}

/** OpenSSL's own words, which never have key material in them. */
function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'it cannot be read';
}

/** Uses the files anew when they have changed, until the run ends. What cannot be used is told, and the old one stays. */
export function keepCertificate(
  { out, signal, onHangUp }: Pick<Context, 'out' | 'signal' | 'onHangUp'>,
  { server, files }: { readonly server: RunningServer; readonly files: CertificateFiles },
): void {
  let used = readCertificate(files);
  const renew = (): void => {
    try {
      const found = readCertificate(files);
      if (isSame(found, used)) return;
      server.renewCertificate(found);
      used = found;
      out.error(JSON.stringify({ certificate: 'renewed' }));
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      out.error(JSON.stringify({ certificate: 'not renewed', code: typeof code === 'string' ? code : 'failed' }));
    }
  };
  const timer = setInterval(renew, LOOK_AGAIN);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  onHangUp?.(renew);
}

function isSame(a: Certificate, b: Certificate): boolean {
  return equalBytes(a.chain, b.chain) && equalBytes(a.key, b.key);
}
