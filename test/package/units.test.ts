/** What an editor shows of an option that is a duration or a size: its unit and its default, without a look into the documents. */
import { join } from 'node:path';
import ts from 'typescript-api';
import { describe, expect, it } from 'vitest';
import { read } from '../docs/table-in.js';
import { builtPackage } from '../support/built.js';

const { exports } = JSON.parse(read('package.json')) as { readonly exports: Readonly<Record<string, { readonly types?: string }>> };

/** Interfaces whose members users give. */
const GIVEN = /(?:Options|Policy|Timing|Thresholds|Config|Limits)$/;
/** Numbers that mean nothing without a unit; `minIdle` and `maxIdle` are counts. */
const MEASURES = /timeout|interval|delay|ttl|stale|For$|Time$|After|Target|Lag$|window|Open$|Bound$|Threshold$|Lifetime|bytes/i;
const UNIT = /\bmilliseconds?\b|\bseconds?\b|\bbytes?\b|percent/i;

interface Measure {
  readonly name: string;
  readonly doc: string;
}

async function measures(): Promise<readonly Measure[]> {
  const folder = await builtPackage();
  const entries = Object.values(exports).flatMap(({ types }) => (types === undefined ? [] : [join(folder, types)]));
  const { ESNext } = ts.ScriptTarget;
  const { NodeNext } = ts.ModuleKind;
  const program = ts.createProgram(entries, { target: ESNext, module: NodeNext, skipLibCheck: true, noLib: true, types: [] });
  const checker = program.getTypeChecker();
  const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(folder));
  const given = own.flatMap((file) => file.statements.filter(ts.isInterfaceDeclaration)).filter(({ name }) => GIVEN.test(name.text));
  return given.flatMap(({ name: owner, members }) =>
    members.filter(ts.isPropertySignature).flatMap((member) => {
      const name = member.name.getText();
      if (member.questionToken === undefined || !/\bnumber\b/.test(member.type?.getText() ?? '') || !MEASURES.test(name)) return [];
      const doc = ts.displayPartsToString(checker.getSymbolAtLocation(member.name)?.getDocumentationComment(checker) ?? []);
      return [{ name: `${owner.text}.${name}`, doc }];
    }),
  );
}

describe('the docstring of an option that is a duration or a size', () => {
  it('names its unit and its default', async () => {
    const all = await measures();
    // Without its subject, it would prove nothing.
    expect(all.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['PoolOptions.acquireTimeout', 'BreakerOptions.window', 'CachePolicy.ttl', 'MemoryCacheOptions.maxBytes']),
    );
    expect(all.filter(({ doc }) => !UNIT.test(doc) || !/\bdefault/i.test(doc)).map(({ name, doc }) => `${name}: ${doc}`)).toEqual([]);
  });
});
