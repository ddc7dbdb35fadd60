import { sql } from 'drizzle-orm';
import { index, int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';

export const contacts = mysqlTable(
  'contacts',
  {
    id: int().primaryKey().autoincrement(),
    name: varchar({ length: 200 }).notNull(),
    email: varchar({ length: 254 }).notNull().unique(),
    phone: varchar({ length: 20 }),
    country: varchar({ length: 2 }),
  },
  (table) => [index('by_country').on(table.country)],
);

/** What a migration would do. */
export const createTable = sql`
  CREATE TABLE IF NOT EXISTS contacts (
    id INT PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(200) NOT NULL,
    email VARCHAR(254) NOT NULL UNIQUE,
    phone VARCHAR(20),
    country VARCHAR(2),
    INDEX by_country (country)
  ) CHARACTER SET utf8mb4`;
