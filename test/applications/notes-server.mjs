/** An HTTP server for libraries that are no application by themselves: it writes notes and reads them. */
import { createServer } from 'node:http';

/**
 * @param {{ write: (task: string) => Promise<unknown>, read: (task: string) => Promise<readonly { task: string }[]>, end: () => Promise<unknown> }} notes
 */
export function serveNotes({ write, read, end }) {
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url, 'http://localhost');
    const task = searchParams.get('task');
    const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const done = request.method === 'POST' ? write(task).then(() => ({})) : read(task);
    done.then(
      (body) => answer(200, body),
      (error) => answer(500, { message: String(error.message) }),
    );
  });
  server.listen(Number(process.env.PORT), '127.0.0.1');
  process.once('SIGTERM', () => {
    server.close();
    server.closeAllConnections();
    void end().then(() => process.exit(0));
  });
}
