import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a server answers to these bytes until it closes the connection. An error of the connection ends the answer. */
export async function exchange(
  { host, port }: { readonly host: string; readonly port: number },
  request: string | Buffer,
): Promise<string> {
  const socket = connect({ host, port });
  socket.on('error', () => undefined);
  socket.end(request);
  return await text(socket).catch(() => '');
}
