/** The tables that the check writes and reads. */

import type { Replication } from '../../support/replication/replication.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';

/** Of the check, as a server that is rebuilt gets them. */
export const TABLES: readonly string[] = ['written', 'registers'];

/** Makes them on the writer. A row of `written` may be there twice, so that a doubled write is seen. */
export async function makeTables({ database }: Replication, writer: ReplicatedNode, registers: number): Promise<void> {
  const rows = Array.from({ length: registers }, (_, index) => `(${index + 1}, 0)`).join(', ');
  await writer.admin(
    `USE ${database}`,
    `CREATE TABLE written (n BIGINT AUTO_INCREMENT PRIMARY KEY, id BIGINT NOT NULL, register INT NOT NULL, server INT NOT NULL, KEY (id))`,
    'CREATE TABLE registers (id INT PRIMARY KEY, version BIGINT NOT NULL)',
    `INSERT INTO registers VALUES ${rows}`,
    `CREATE FUNCTION put_row(row_id BIGINT, row_register INT) RETURNS BIGINT MODIFIES SQL DATA
      BEGIN
        DECLARE raised BIGINT;
        INSERT INTO written (id, register, server) VALUES (row_id, row_register, @@server_id);
        UPDATE registers SET version = version + 1 WHERE id = row_register;
        SELECT version INTO raised FROM registers WHERE id = row_register;
        RETURN raised;
      END`,
  );
}
