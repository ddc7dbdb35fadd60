/** A fleet's state as text, as short as its members allow: some 40 bytes for each. */

import type { FleetMember, FleetState } from '../contract/index.js';

/** The form of the text: a ledger may hold a state that another version of this package wrote. */
const FORM = 1;

type Profile = readonly [floor: number, budget: number, processes: number, leaseMs: number, safe: number];
type Head = Omit<FleetState, 'members'> & { readonly form: number; readonly profiles: readonly Profile[] };

/** The state as text: a line of JSON, then a line for each member. */
export function encodeState(state: FleetState): string {
  const { members, ...head } = state;
  const profiles: Profile[] = [];
  const numbers = new Map<string, number>();
  const lines: string[] = [];
  for (const [id, member] of members) {
    const profile: Profile = [member.floor, member.budget, member.processes, member.leaseMs, member.safe];
    const key = profile.join();
    let number = numbers.get(key);
    if (number === undefined) {
      number = profiles.push(profile) - 1;
      numbers.set(key, number);
    }
    lines.push(lineOf(id, member, state.time, number));
  }
  return [JSON.stringify({ form: FORM, ...head, profiles } satisfies Head), ...lines].join('\n');
}

/** Times are relative to the state's, and numbers to base 36. */
function lineOf(id: string, member: FleetMember, time: number, profile: number): string {
  const { seq, lease, accounted, until, open, wanted, since, fewest, reported } = member;
  const numbers = [seq, lease, accounted, Math.round(until - time), open, wanted, Math.round(time - since), profile];
  const fields = numbers.map((number) => number.toString(36));
  if (fewest !== undefined) fields.push(fewest.toString(36), reported === true ? '1' : '0');
  return `${id},${fields.join()}`;
}

/** The state that a text holds; undefined for a text of another form, which is then learned again. */
export function decodeState(text: string): FleetState | undefined {
  const [first = '', ...lines] = text.split('\n');
  const { form, profiles, ...head } = JSON.parse(first) as Head;
  if (form !== FORM) return undefined;
  const members = new Map<string, FleetMember>();
  for (const line of lines) {
    const comma = line.indexOf(',');
    members.set(line.slice(0, comma), memberOf(line.slice(comma + 1).split(','), head.time, profiles));
  }
  return { ...head, members };
}

function memberOf(fields: readonly string[], time: number, profiles: readonly Profile[]): FleetMember {
  const numbers = fields.map((field) => Number.parseInt(field, 36));
  const [seq = 0, lease = 0, accounted = 0, left = 0, open = 0, wanted = 0, age = 0, profile = 0, fewest, reported] = numbers;
  const [floor = 0, budget = 0, processes = 0, leaseMs = 0, safe = 0] = profiles[profile] ?? [];
  const member = { seq, lease, accounted, until: time + left, open, wanted, since: time - age, floor, budget, processes, leaseMs, safe };
  return fewest === undefined ? member : { ...member, fewest, reported: reported === 1 };
}
