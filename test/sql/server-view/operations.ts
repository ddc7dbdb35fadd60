/** The server's names of what it runs, beside the words that statements begin with. */

/** Names that do not begin with the first word of their statements: those words. Statements about statements and common tables have the name of what they hold. */
const FIRST_WORDS: Readonly<Record<string, string>> = {
  assign_to_keycache: 'CACHE',
  begin: 'BEGIN START',
  compound_sql: 'BEGIN OTHER',
  change_db: 'USE',
  create_view: 'CREATE ALTER',
  dealloc_sql: 'DEALLOCATE DROP',
  delete: 'DELETE WITH EXPLAIN ANALYZE SET',
  delete_multi: 'DELETE WITH',
  ha_close: 'HANDLER',
  ha_open: 'HANDLER',
  ha_read: 'HANDLER',
  insert: 'INSERT EXPLAIN SET',
  preload_keys: 'LOAD',
  select: 'SELECT WITH TABLE VALUES EXPLAIN DESC DESCRIBE ANALYZE SET',
  show_fields: 'SHOW EXPLAIN DESC DESCRIBE',
  update: 'UPDATE WITH EXPLAIN ANALYZE',
  update_multi: 'UPDATE WITH',
};

/** Whether a statement that begins with this word may be what the server calls by this name, such as `statement/sql/insert_select`. */
export function isOperation(word: string, event: string): boolean {
  const name = event.slice(event.lastIndexOf('/') + 1);
  const words = FIRST_WORDS[name] ?? name.split('_')[0]?.toUpperCase() ?? '';
  return words.split(' ').includes(word);
}
