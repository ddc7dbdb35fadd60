/** A model of LoopBack on its MySQL connector: each note is written in a transaction. */
import { DataSource } from 'loopback-datasource-juggler';
import { serveNotes } from './notes-server.mjs';

const source = new DataSource({
  ...JSON.parse(process.env.APPLICATION_DATABASE),
  connector: 'loopback-connector-mysql',
  connectionLimit: Number(process.env.APPLICATION_LIMIT),
});
const Note = source.createModel('note', { task: { type: String, index: true, length: 60 } }, { forceId: true });
await source.autoupdate('note');

serveNotes({
  async write(task) {
    const transaction = await Note.beginTransaction({ isolationLevel: 'READ COMMITTED' });
    try {
      await Note.create({ task }, { transaction });
      await transaction.commit();
    } catch (error) {
      await transaction.rollback().catch(() => undefined);
      throw error;
    }
  },
  read: async (task) => (await Note.find({ where: { task } })).map((note) => ({ task: note.task })),
  end: () => source.disconnect(),
});
