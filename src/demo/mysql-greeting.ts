/** Waits until a MySQL server greets, which is when it accepts connections. */
import { connect } from 'node:net';
import { pause, setTimeout, clearTimeout, performance } from '../engine/waiting/index.js';

const RETRY_INTERVAL_MS = 10;
const HEADER_LENGTH = 4;
const PROTOCOL_10 = 0x0a;
const ERROR_PACKET = 0xff;
/** ER_CON_COUNT_ERROR: the server works; others have taken all its connections. */
const TOO_MANY_CONNECTIONS = 1040;

/** A TCP port, or a local socket. */
export type GreetingAddress = { readonly host: string; readonly port: number } | { readonly path: string };

function inWords(address: GreetingAddress): string {
  return 'path' in address ? address.path : `${address.host}:${address.port}`;
}

/** Reads the first packet, see https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection */
function isGreeting(packet: Buffer): boolean {
  if (packet[HEADER_LENGTH] === PROTOCOL_10) return true;
  return packet[HEADER_LENGTH] === ERROR_PACKET && packet.readUInt16LE(HEADER_LENGTH + 1) === TOO_MANY_CONNECTIONS;
}

/** Connects once. Resolves with `undefined` when the server greets, else with words for what it did instead. */
function tryGreeting(address: GreetingAddress, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(address);
    let received = Buffer.alloc(0);
    const finish = (outcome: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => finish('it accepts connections but does not greet'), timeoutMs);
    socket.on('error', (error) => finish(error.message));
    socket.on('close', () => finish('it closed the connection without a greeting'));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < HEADER_LENGTH + 3) return;
      finish(isGreeting(received) ? undefined : `its first packet is not a greeting: ${received.subarray(0, 80).toString('latin1')}`);
    });
  });
}

/**
 * Waits until a MySQL server greets on an address, which is when it accepts connections; an address that only listens is not enough.
 *
 * @param abandon - Asked before each attempt; a text ends the waiting with it as the reason.
 * @throws Error when the server has not greeted after `timeoutMs`, with what it did instead.
 */
export async function waitForGreeting(address: GreetingAddress, timeoutMs: number, abandon: () => string | undefined): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const refusal = await tryGreeting(address, Math.max(1, deadline - performance.now()));
    if (refusal === undefined) return;
    const reason = abandon();
    if (reason !== undefined) throw new Error(reason);
    if (performance.now() >= deadline) throw new Error(`no greeting on ${inWords(address)} after ${timeoutMs} ms: ${refusal}`);
    await pause(RETRY_INTERVAL_MS);
  }
}
