/** Step greeting: reads the first packet that the server sends. */

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { setTimeout, clearTimeout } from '../../engine/waiting/index.js';
import { CannotContinue, type Finding } from './finding.js';
import { adviceOn, type Attempt } from './refusals.js';

/** What a server says of itself before a login. */
export interface Greeting {
  /** For example '8.4.3' or '5.5.5-10.11.6-MariaDB'. */
  readonly version: string;
  readonly offersTls: boolean;
}

const WRONG_PORT =
  'Another program listens on this port. Check the host and the port. MySQL and MariaDB usually use 3306, TiDB 4000, ProxySQL 6033, MySQL Router 6446, MaxScale 4006.';

const HEADER_BYTES = 4;
const PROTOCOL_10 = 0x0a;
const ERROR_PACKET = 0xff;
/** MySQL's capability flag that says that the server takes TLS. */
const CLIENT_SSL = 0x800;
/** Number of the connection, first part of the scramble, filler: between the version and the capabilities. */
const BYTES_TO_CAPABILITIES = 13;

/**
 * Reads the first packet of a server (https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html).
 *
 * @throws CannotContinue
 */
export async function readGreeting(
  socket: Socket,
  timeoutMs: number,
  attempt: Attempt,
  report: (finding: Finding) => void,
): Promise<Greeting> {
  const failed = (message: string, advice: string): never => {
    socket.destroy();
    report({ step: 'greeting', status: 'fail', message, advice });
    throw new CannotContinue();
  };
  const { remoteAddress: host, remotePort: port } = socket;
  const packet = await firstPacket(socket, timeoutMs);
  if (typeof packet === 'string') {
    const answer = host === undefined || port === undefined ? undefined : await provoke({ host, port }, timeoutMs);
    const silence =
      packet === 'silent'
        ? `the connection was accepted, but nothing arrived for ${timeoutMs} ms`
        : 'the connection was accepted, and then closed without any data';
    const stranger = nameStranger(answer);
    if (stranger !== undefined) return failed(`${stranger} answers, not a MySQL server`, WRONG_PORT);
    if (greetedAfterProxyHeader(answer)) {
      return failed(
        `${silence}; after a header of the PROXY protocol, a MySQL server greeted`,
        'This port is for load balancers that send a PROXY protocol header. MySQL clients do not send it. Connect to the load balancer, or to an HAProxy port without accept-proxy.',
      );
    }
    return failed(
      silence,
      packet === 'silent'
        ? 'No working MySQL server listens here. It may be a proxy or load balancer without a server behind it, a frozen or overloaded server, or a server for another protocol in which the client speaks first.'
        : 'A proxy or load balancer without a server behind it does this (the statistics page of HAProxy shows which servers are down). A server that is starting or stopping also does it.',
    );
  }
  const payload = packet.subarray(HEADER_BYTES);
  if (payload[0] === ERROR_PACKET && payload.length >= 3) {
    const errno = payload.readUInt16LE(1);
    const text = payload
      .subarray(3)
      .toString('utf8')
      .replace(/^#.{5}/, '');
    return failed(
      `the server refuses the connection: ${text} (errno ${errno})`,
      adviceOn({ errno, message: text }, attempt) ?? 'Check the error log of the server.',
    );
  }
  const endOfVersion = payload.indexOf(0);
  if (payload[0] !== PROTOCOL_10 || endOfVersion < 2 || payload.length < endOfVersion + BYTES_TO_CAPABILITIES + 3) {
    const stranger = nameStranger(packet);
    return failed(stranger === undefined ? 'this is not a MySQL server' : `${stranger} answers, not a MySQL server`, WRONG_PORT);
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

/**
 * A header of the PROXY protocol, version 1 (https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt). Balancers send it before anything
 * else. To servers whose clients speak first it is a wrong request, which they answer in words of their own.
 */
const PROXY_HEADER = 'PROXY UNKNOWN\r\n';
/** PostgreSQL's question for TLS, which it answers with one letter (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const POSTGRES_SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const MOST_BYTES = 64;

/** What they begin with, in their own protocols. */
const STRANGERS: readonly (readonly [name: string, begins: RegExp])[] = [
  ['a web server', /^HTTP\/\d/],
  ['Redis', /^(-(ERR|NOAUTH|DENIED|LOADING|MISCONF|NOPERM) |\+PONG)/],
  ['an SSH server', /^SSH-\d/],
  ['a mail or FTP server', /^(220[ -]|\* OK |\+OK )/],
  ['Memcached', /^ERROR\r\n/],
];

/** The notice that MySQL's X Plugin sends first: type 11, in a frame of five bytes. */
const X_NOTICE = Buffer.from([5, 0, 0, 0, 0x0b, 8, 5]);

/** Who it is, by its answer. */
function nameStranger(answer: Answer): string | undefined {
  if (answer === 'PostgreSQL') return 'PostgreSQL or PgBouncer';
  if (answer === 'TLS') return 'a server that speaks TLS from the first byte (a web server, or a TLS tunnel)';
  if (answer?.subarray(0, X_NOTICE.length).equals(X_NOTICE) === true) return "MySQL's X Protocol (port 33060)";
  const text = answer?.subarray(0, MOST_BYTES).toString('latin1') ?? '';
  return STRANGERS.find(([, begins]) => begins.test(text))?.[0];
}

/** The packet of a MySQL server's greeting: number 0, protocol 10. */
function greetedAfterProxyHeader(answer: Answer): boolean {
  return Buffer.isBuffer(answer) && answer.length > 5 && answer[3] === 0 && answer[4] === PROTOCOL_10;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** What was found out of a silent port: the first bytes of its answer, or whom only its own protocol wakes. */
type Answer = Buffer | 'PostgreSQL' | 'TLS' | undefined;

/** Connects once more in each of three protocols whose clients speak first. */
async function provoke(at: Address, timeoutMs: number): Promise<Answer> {
  const [answer, toPostgres, speaksTls] = await Promise.all([
    answerTo(PROXY_HEADER, at, timeoutMs),
    answerTo(POSTGRES_SSL_REQUEST, at, timeoutMs),
    shakesHands(at, timeoutMs),
  ]);
  if (toPostgres?.length === 1 && /^[SN]$/.test(toPostgres.toString('latin1'))) return 'PostgreSQL';
  return answer ?? (speaksTls ? 'TLS' : undefined);
}

function answerTo(words: string | Buffer, at: Address, timeoutMs: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect(at);
    const finish = (answer?: Buffer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(), timeoutMs);
    socket.on('connect', () => socket.write(words));
    socket.on('error', () => finish());
    socket.on('close', () => finish());
    socket.on('data', (chunk) => finish(chunk));
  });
}

/** Nothing is sent but the handshake, so it does not matter who answers. */
function shakesHands(at: Address, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTls({ ...at, rejectUnauthorized: false });
    const finish = (outcome: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => finish(false), timeoutMs);
    socket.on('secureConnect', () => finish(true));
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
  });
}
