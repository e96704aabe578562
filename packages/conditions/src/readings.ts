/** What the machine says of itself at one moment. */

/** Fields are absent where the machine does not tell; absent is never taken for good. */
export interface Readings {
  readonly power?: PowerReading;
  readonly network?: NetworkReading;
  readonly session?: SessionReading;
  /** Runnable tasks of the last minute divided by the number of cores. */
  readonly loadPerCore?: number;
  /** The hottest sensor. */
  readonly celsius?: number;
}

export interface PowerReading {
  /** A machine without battery is on mains. */
  readonly source: 'mains' | 'battery';
  /** Charge, 0 to 1. */
  readonly level?: number;
}

/** The network that leads to the world. */
export interface NetworkReading {
  readonly isConnected: boolean;
  readonly link?: 'wifi' | 'cable' | 'mobile';
  readonly isMetered?: boolean;
  /** Of the Wi-Fi that `link` is. */
  readonly wifiName?: string;
  readonly isVpn?: boolean;
}

/** The sessions in which this user sits before the machine. */
export interface SessionReading {
  readonly isIdle?: boolean;
  readonly isLocked?: boolean;
}
