/** Runs the hooks of an application around each loan of a connection: onAcquire and onRelease. */

import { type Lease, messageOf, PoolError } from '../../engine/index.js';
import { within } from '../../engine/waiting/index.js';
import { borrow, type LendingHooks, type ManagedConnection } from '../connections/index.js';
import type { AcquireInfo, OnAcquire, OnRelease, ReleaseInfo } from '../contract/index.js';
import { callersError } from '../errors/index.js';
import type { ResolvedOptions } from '../options/index.js';

/** The hooks of a pool, where it has any. */
export function hooksOf({ onAcquire, onRelease, atStart: { name, hookTimeout } }: ResolvedOptions): { readonly hooks?: LendingHooks } {
  if (onAcquire === undefined && onRelease === undefined) return {};
  return { hooks: new BorrowHooks(name, onAcquire, onRelease, hookTimeout) };
}

class BorrowHooks implements LendingHooks {
  constructor(
    private readonly pool: string,
    private readonly onAcquire: OnAcquire | undefined,
    private readonly onRelease: OnRelease | undefined,
    private readonly timeoutMs: number,
  ) {}

  /** @throws PoolError `POOL_HOOK_FAILED`: the acquire fails, and the connection is closed */
  async beforeLending(connection: ManagedConnection, info: Omit<AcquireInfo, 'pool'>): Promise<void> {
    const { onAcquire, pool } = this;
    if (onAcquire === undefined) return;
    try {
      await runHook('onAcquire', connection, (handle) => onAcquire(handle, { ...info, pool }));
    } catch (cause) {
      throw new PoolError('POOL_HOOK_FAILED', `Pool '${pool}': ${messageOf(cause)}`, { cause });
    }
  }

  /** @returns why the connection must be closed, if it must */
  async afterReturn(connection: ManagedConnection, info: Omit<ReleaseInfo, 'pool'>): Promise<unknown> {
    const { onRelease, pool, timeoutMs } = this;
    if (onRelease === undefined) return undefined;
    const late = (): Error => new Error(`onRelease took longer than ${timeoutMs} ms.`);
    const run = runHook('onRelease', connection, (handle) => onRelease(handle, { ...info, pool }));
    return await within(run, timeoutMs, late, { hold: 'unheld' }).then(
      () => undefined,
      (error: unknown) => error,
    );
  }
}

type Hook = (connection: never) => void | boolean | Promise<void | boolean>;

/** Rejects when the hook fails or refuses the connection. */
async function runHook(name: string, connection: ManagedConnection, hook: Hook): Promise<void> {
  const lease = new HookLease(connection);
  let answer: void | boolean;
  try {
    answer = await hook(borrow(lease as unknown as Lease<ManagedConnection>) as never);
  } catch (error) {
    const thrown = callersError(error, `${name} must throw errors only`, 'something else');
    throw callersError(new Error(`${name} failed: ${messageOf(thrown)}`, { cause: thrown }), name, '');
  } finally {
    lease.end();
  }
  if (answer === false || lease.refused) throw new Error(`${name} refused the connection.`);
}

/** What a hook holds in the place of a lease: its connection works until the hook is over, and is not the hook's to give back. */
class HookLease implements Pick<Lease<ManagedConnection>, 'resource' | 'active' | 'reclaimed' | 'release' | 'destroy' | 'evict'> {
  active = true;
  readonly reclaimed = false;
  /** The hook has destroyed the connection. */
  refused = false;

  constructor(readonly resource: ManagedConnection) {}

  /** The borrower, or the next one, gets it anyway. */
  release(): boolean {
    return this.active;
  }

  destroy(): boolean {
    if (this.active) this.refused = true;
    return this.active;
  }

  evict(): void {
    this.destroy();
  }

  end(): void {
    const { resource } = this;
    this.active = false;
    if (resource.lease !== this) return;
    resource.lease = undefined;
    resource._released = true;
  }
}
