/** Vendure: shoppers who put something into their order, check out, and pay through the shop API. */
import { type Application, countByTask } from '../application.js';
import { Refusal, type Visitor, withoutNumbers } from '../visitor.js';

interface Order {
  readonly code: string;
  readonly state: string;
  readonly totalQuantity: number;
  readonly customer: { readonly emailAddress: string } | null;
  readonly shippingAddress: { readonly streetLine1: string | null } | null;
  readonly shippingLines: readonly unknown[];
}

const ORDER = `... on Order { code state totalQuantity customer { emailAddress } shippingAddress { streetLine1 } shippingLines { id } }`;
const PAID = 'PaymentSettled';

/** The errors with which the shop answers to what was done already, when the answer to the first time was lost. */
type Answer = Readonly<Record<string, unknown>>;

interface GraphqlError {
  readonly message: string;
  readonly path?: readonly string[];
  readonly extensions?: { readonly code?: string };
}

/**
 * While its database is away, the shop may give a shopper another session. The order of the session before is then unreachable, unless it is placed:
 * the shopper begins again.
 */
function isOfLostSession({ path, extensions }: GraphqlError): boolean {
  return path?.[0] === 'orderByCode' && extensions?.code === 'FORBIDDEN';
}

/** A shopper with a session of their own. */
class Shopper {
  #token: string | undefined;

  constructor(private readonly visitor: Visitor) {}

  /** @returns nothing when the request failed */
  async ask(query: string): Promise<Answer | undefined> {
    const headers = {
      'content-type': 'application/json',
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
    };
    const init = { method: 'POST', headers, body: JSON.stringify({ query }) };
    return await this.visitor.ask('/shop-api', init, (body, answered) => {
      const { data, errors } = JSON.parse(body) as { data: Answer | null; errors?: GraphqlError[] };
      const error = errors?.find((one) => !isOfLostSession(one));
      if (error !== undefined) throw new Refusal(`GraphQL: ${withoutNumbers(error.message)}`);
      this.#token = answered.get('vendure-auth-token') ?? this.#token;
      return data ?? {};
    });
  }
}

/** The next step, by what the shop says of the order. A shopper does the same after a failure: looks, and does what is missing. */
function nextStep(order: Order | null, email: string, product: number, shippingMethod: string): string {
  if (order === null || order.totalQuantity === 0)
    return `mutation { addItemToOrder(productVariantId: "${product}", quantity: 1) { __typename ${ORDER} } }`;
  if (order.customer === null)
    return `mutation { setCustomerForOrder(input: { firstName: "A", lastName: "B", emailAddress: "${email}" }) { __typename ${ORDER} } }`;
  if (order.shippingAddress?.streetLine1 == null)
    return `mutation { setOrderShippingAddress(input: { streetLine1: "Street 1", countryCode: "AT" }) { __typename ${ORDER} } }`;
  if (order.shippingLines.length === 0)
    return `mutation { setOrderShippingMethod(shippingMethodId: ["${shippingMethod}"]) { __typename ${ORDER} } }`;
  if (order.state === 'AddingItems') return `mutation { transitionOrderToState(state: "ArrangingPayment") { __typename ${ORDER} } }`;
  return `mutation { addPaymentToOrder(input: { method: "card", metadata: {} }) { __typename ${ORDER} ... on ErrorResult { message } } }`;
}

async function shop(visitor: Visitor): Promise<void> {
  const shopper = new Shopper(visitor);
  const email = `${visitor.task}@example.com`;
  const product = 1 + (Number(visitor.task.split('-').at(-2)) % 8);
  let order: Order | null = null;
  let code: string | undefined;
  for (;;) {
    const answer: Answer | undefined = await shopper.ask(nextStep(order, email, product, '1'));
    const [result] = Object.values(answer ?? {}) as (Order & { readonly __typename: string })[];
    if (result?.__typename === 'Order') order = result;
    else order = (await look(shopper, code)) ?? null;
    code = order?.code ?? code;
    if (order?.state === PAID) break;
  }
  visitor.acknowledge();
}

/** Looks again until the shop answers: the order that is open or, when it is no longer open, the one with this code. */
async function look(shopper: Shopper, code: string | undefined): Promise<Order | undefined> {
  for (;;) {
    const placed = code === undefined ? '' : `orderByCode(code: "${code}") { __typename ${ORDER} }`;
    const answer = await shopper.ask(`query { activeOrder { __typename ${ORDER} } ${placed} }`);
    if (answer === undefined) continue;
    const found = (answer['activeOrder'] ?? answer['orderByCode']) as Order | null | undefined;
    return found ?? undefined;
  }
}

/** Orders that are placed, by whose they are; not whole where the lines or the payments are not what was bought. */
const PLACED = `
  SELECT SUBSTRING_INDEX(customer.emailAddress, '@', 1) AS task,
    IF(MIN(placed.isWhole) = 1, COUNT(*), NULL) AS count
  FROM (
    SELECT \`order\`.id, \`order\`.customerId,
      (SELECT COALESCE(SUM(quantity), 0) FROM order_line WHERE order_line.orderId = \`order\`.id) = 1
      AND (SELECT COUNT(*) FROM payment WHERE payment.orderId = \`order\`.id AND payment.state = 'Settled') = 1 AS isWhole
    FROM \`order\` WHERE \`order\`.state = '${PAID}'
  ) AS placed JOIN customer ON customer.id = placed.customerId GROUP BY customer.emailAddress`;

export const VENDURE: Application = {
  name: 'vendure',
  title: 'Vendure',
  way: 'TypeORM, on createPool of mysql2',
  packages: ['@vendure/core', 'typeorm', 'mysql2'],
  fill: 'fill.mjs',
  server: ['server.mjs'],
  limit: 10,
  visitors: 50,
  readyPath: '/health',
  lockedTable: '`order`',
  visit: shop,
  books: (admin) => countByTask(admin, PLACED),
};
