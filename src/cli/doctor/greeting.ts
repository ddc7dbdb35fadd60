/** Step greeting: reads the first packet that the server sends. */

import type { Socket } from 'node:net';
import { setTimeout, clearTimeout } from '../../engine/waiting/index.js';
import { CannotContinue, type Finding } from './finding.js';

/** What a server says of itself before a login. */
export interface Greeting {
  /** For example '8.4.3' or '5.5.5-10.11.6-MariaDB'. */
  readonly version: string;
  readonly offersTls: boolean;
}

const HEADER_BYTES = 4;
const PROTOCOL_10 = 0x0a;
const ERROR_PACKET = 0xff;
/** MySQL's capability flag that says that the server takes TLS. */
const CLIENT_SSL = 0x800;
/** Number of the connection, first part of the scramble, filler: between the version and the capabilities. */
const BYTES_TO_CAPABILITIES = 13;

/** What the server's refusals in place of a greeting mean. */
const REFUSALS: Readonly<Record<number, string>> = {
  1040: 'All of max_connections are taken: see which clients hold them (SHOW PROCESSLIST), lower limits, or raise max_connections.',
  1129: 'Too many broken handshakes came from this machine: run FLUSH HOSTS on the server (or TRUNCATE performance_schema.host_cache), then find out what broke them (max_connect_errors).',
  1130: 'The server has no account that may log in from this machine: see the host part of the account (CREATE USER name@host).',
};

/**
 * Reads the first packet of a server (https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html).
 *
 * @throws CannotContinue
 */
export async function readGreeting(socket: Socket, timeoutMs: number, report: (finding: Finding) => void): Promise<Greeting> {
  const failed = (message: string, advice: string): never => {
    socket.destroy();
    report({ step: 'greeting', status: 'fail', message, advice });
    throw new CannotContinue();
  };
  const packet = await firstPacket(socket, timeoutMs);
  if (packet === 'silent') {
    return failed(
      `the connection was accepted, and then nothing came for ${timeoutMs} ms`,
      'Something listens, but not a MySQL server that works: a proxy or load balancer without a server behind it, a server that is frozen or overloaded, or another protocol.',
    );
  }
  if (packet === 'closed') {
    return failed(
      'the connection was accepted and closed without a word',
      'A proxy or load balancer without a server behind it does this, and a server that is starting or stopping.',
    );
  }
  const payload = packet.subarray(HEADER_BYTES);
  if (payload[0] === ERROR_PACKET && payload.length >= 3) {
    const errno = payload.readUInt16LE(1);
    const text = payload
      .subarray(3)
      .toString('utf8')
      .replace(/^#.{5}/, '');
    return failed(`the server refuses to talk: ${text} (errno ${errno})`, REFUSALS[errno] ?? 'See the error log of the server.');
  }
  const endOfVersion = payload.indexOf(0);
  if (payload[0] !== PROTOCOL_10 || endOfVersion < 2 || payload.length < endOfVersion + BYTES_TO_CAPABILITIES + 3) {
    return failed(
      'what answers is not a MySQL server',
      'Another program listens on this port: check host and port. MySQL usually has 3306, TiDB 4000, ProxySQL 6033.',
    );
  }
  const version = payload.subarray(1, endOfVersion).toString('utf8');
  const capabilities = payload.readUInt16LE(endOfVersion + 1 + BYTES_TO_CAPABILITIES);
  const offersTls = (capabilities & CLIENT_SSL) !== 0;
  report({ step: 'greeting', status: 'ok', message: `version ${version}; it ${offersTls ? 'offers' : 'does not offer'} TLS` });
  return { version, offersTls };
}

/** The first packet with its header. */
function firstPacket(socket: Socket, timeoutMs: number): Promise<Buffer | 'silent' | 'closed'> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const finish = (outcome: Buffer | 'silent' | 'closed'): void => {
      clearTimeout(timer);
      socket.removeAllListeners('data').removeAllListeners('close');
      socket.pause();
      resolve(outcome);
    };
    const timer = setTimeout(() => finish('silent'), timeoutMs);
    socket.on('error', () => undefined);
    socket.on('close', () => finish('closed'));
    socket.on('end', () => finish(received.length > 0 ? received : 'closed'));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < HEADER_BYTES) return;
      // The first bytes of another protocol read as any length; a greeting is short.
      const length = received.readUIntLE(0, 3);
      if (received.length >= HEADER_BYTES + length || length > 1_024) finish(received);
    });
  });
}
