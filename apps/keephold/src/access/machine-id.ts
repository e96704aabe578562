/** What tells this machine from a clone of its disk. It stays in the device's private file. */
import { readFileSync } from 'node:fs';

const places = ['/etc/machine-id', '/var/lib/dbus/machine-id', '/etc/hostid'];

/** The system's own id of this installation; where there is none, the host's name. */
export function machineId(hostname: string): string {
  for (const place of places) {
    try {
      const id = readFileSync(place, 'latin1').trim();
      if (/^[\x21-\x7e]{8,128}$/.test(id)) return id;
    } catch {
      // Not on this system.
    }
  }
  return hostname.slice(0, 128);
}
