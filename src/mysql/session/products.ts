/** What servers and proxies do otherwise than MySQL and MariaDB, by the version that they greet with; docs/servers.md has the sources. */

/** How the server knows a connection. */
export interface PlaceAtServer {
  /** Its number; a greeting has room for half of TiDB's. */
  readonly number: string;
  /** The address that the server sees it come from. */
  readonly host: string;
  /** Which server said so: behind a load balancer there may be several. */
  readonly server?: string | undefined;
}

/** They do not know the variable, or take every SET for a reason to stop sharing their connections. */
const WITHOUT_TRACKING = /proxysql|vitess|planetscale|tidb/i;
/** vtgate's COM_RESET_CONNECTION keeps variables and the default database, and it has no COM_CHANGE_USER. */
const WITHOUT_RESET = /vitess|planetscale/i;
/** `KILL` alone is ignored where Global Kill is off; with the word it is taken everywhere. */
const TIDB = /tidb/i;
/** It shares connections too, and keeps track of session state itself. */
const ROUTER = /-router/i;

/** What is needed of a connection that was greeted. */
interface Greeted {
  readonly _handshakePacket: { readonly serverVersion: string } | null;
}

function greetingOf({ _handshakePacket }: Greeted): string {
  return _handshakePacket?.serverVersion ?? '';
}

/** Whether the server is asked to report changes of the session. */
export function takesTracking(connection: Greeted, behindSharingProxy: boolean): boolean {
  const greeting = greetingOf(connection);
  // ProxySQL greets as MySQL by default. A SET that it does not know binds the session to one group of servers, and statements for others fail.
  return !WITHOUT_TRACKING.test(greeting) && (!behindSharingProxy || ROUTER.test(greeting));
}

/** Whether a reset, or a new login, takes away all that a borrower can have left. */
export function resetsFully(connection: Greeted): boolean {
  return !WITHOUT_RESET.test(greetingOf(connection));
}

/** The statement that stops what the connection with this number runs. */
export function killStatement(connection: Greeted, number: string): string {
  return `KILL ${TIDB.test(greetingOf(connection)) ? 'TIDB ' : ''}QUERY ${number}`;
}
