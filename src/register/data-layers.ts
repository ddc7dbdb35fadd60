/** What the register hook does to the data layers that have pools of their own; loaded with the first of them. */
export { replaceKnexPools } from './knex/knex-client.js';
export { replaceSequelizePools } from './sequelize/sequelize-6.js';
export { replaceSequelize7Pools } from './sequelize/sequelize-7.js';
