/** What an application learns, and may decide, when a connection is lent and when it is given back. */

import type { DriverPromisePoolConnection } from '../driver/index.js';
import type { SessionSettings } from './session-settings.js';

/** For whom a connection is. */
export interface AcquireInfo {
  /** The pool's name. */
  readonly pool: string;
  /** Whether no borrower has had the connection before. */
  readonly isNew: boolean;
  /** Which borrower this is, from 1. */
  readonly use: number;
  /** The settings that the borrower asked for, and that are in force. */
  readonly session: SessionSettings | undefined;
}

/** From whom a connection comes. */
export interface ReleaseInfo {
  /** The pool's name. */
  readonly pool: string;
  /** Whether the borrower has left a transaction open. */
  readonly inTransaction: boolean;
  /** The settings that the borrower had asked for. */
  readonly session: SessionSettings | undefined;
}

/** See the option `onAcquire`. */
export type OnAcquire = (connection: DriverPromisePoolConnection, info: AcquireInfo) => void | boolean | Promise<void | boolean>;

/** See the option `onRelease`. */
export type OnRelease = (connection: DriverPromisePoolConnection, info: ReleaseInfo) => void | boolean | Promise<void | boolean>;
