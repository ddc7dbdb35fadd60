/** Length of the payload in three bytes, and the number in the sequence. */
export const HEADER_LENGTH = 4;

/** Cuts a stream of bytes into packets of the protocol, headers included. */
export class PacketReader {
  #rest: Buffer = Buffer.alloc(0);

  constructor(private readonly take: (packet: Buffer) => void) {}

  add(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEADER_LENGTH) {
      const length = HEADER_LENGTH + this.#rest.readUIntLE(0, 3);
      if (this.#rest.length < length) return;
      const packet = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      this.take(packet);
    }
  }
}
