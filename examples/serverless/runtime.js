// What the platform does: it hands requests to the handler, one after the other, here one JSON object per line of standard input.
//
//   DATABASE_URL=mysql://… node serverless/runtime.js
import { createInterface } from 'node:readline';
import { handler } from './handler.js';

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await handler(JSON.parse(line)).catch((error) => ({ error: error.message }));
  console.log(JSON.stringify(answer));
}
