/** Lets so many turns of the microtask queue pass: what is due first has happened then, what follows from it may have not. */
export async function microtasks(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}
