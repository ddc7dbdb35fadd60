/** A shop on Vendure: its configuration for the server, and for the program that fills its database. */
import {
  DefaultJobQueuePlugin,
  DefaultLogger,
  DefaultSearchPlugin,
  dummyPaymentHandler,
  LanguageCode,
  LogLevel,
  mergeConfig,
  defaultConfig,
} from '@vendure/core';

const { host, port, user, password, database } = JSON.parse(process.env.APPLICATION_DATABASE);

/** @param {boolean} synchronize whether the tables are made */
export function configOf(synchronize) {
  return mergeConfig(defaultConfig, {
    logger: new DefaultLogger({ level: LogLevel.Error, timestamp: false }),
    apiOptions: { port: Number(process.env.PORT ?? 0), hostname: '127.0.0.1' },
    authOptions: { tokenMethod: 'bearer', superadminCredentials: { identifier: 'keeper', password: 'keeper of the shop' } },
    dbConnectionOptions: {
      type: 'mysql',
      host,
      port,
      username: user,
      password,
      database,
      synchronize,
      extra: { connectionLimit: Number(process.env.APPLICATION_LIMIT) },
    },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    plugins: [DefaultJobQueuePlugin, DefaultSearchPlugin],
  });
}

/** What the shop sells, and where. */
export const SHOP = {
  defaultLanguage: LanguageCode.en,
  defaultZone: 'Europe',
  countries: [{ name: 'Austria', code: 'AT', zone: 'Europe' }],
  taxRates: [{ name: 'Standard Tax', percentage: 20 }],
  shippingMethods: [{ name: 'Standard Shipping', price: 500 }],
  paymentMethods: [{ name: 'Card', handler: { code: dummyPaymentHandler.code, arguments: [{ name: 'automaticSettle', value: 'true' }] } }],
  collections: [],
};
