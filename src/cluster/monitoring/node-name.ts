/** How a node is named in labels and messages. */

/** `host:port`, with brackets around IPv6; the path of a socket. */
export function nodeName({
  host,
  port,
  socketPath,
}: {
  readonly host: string;
  readonly port: number;
  readonly socketPath?: string | undefined;
}): string {
  if (socketPath !== undefined) return socketPath;
  return `${host.includes(':') ? `[${host}]` : host.toLowerCase()}:${port}`;
}
