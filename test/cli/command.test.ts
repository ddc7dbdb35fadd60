import { describe, expect, it } from 'vitest';
import { defineCommand, parseCall, UsageError, usageOf } from '../../src/cli/console/command.js';
import { commands } from '../../src/cli/commands/index.js';

const sample = defineCommand({
  name: 'sample',
  summary: 'Does nothing.',
  notes: [],
  operands: ['[url]'],
  options: {
    count: { kind: 'number', value: 'N', min: 1, max: 10, default: 3, about: 'How many.' },
    sizes: { kind: 'numbers', value: 'N,N', min: 1, max: 99, default: [1, 2], about: 'Which sizes.' },
    word: { kind: 'text', value: 'TEXT', about: 'A word.' },
    loud: { kind: 'flag', about: 'Loudly.' },
  },
  run: () => Promise.resolve(0),
});

describe('a command line', () => {
  it('gives every option its value or its default', () => {
    expect(parseCall(sample, [])).toMatchObject({
      values: { count: 3, sizes: [1, 2], word: undefined, loud: false },
      operands: [],
      json: false,
    });
    const given = parseCall(sample, ['--count=5', 'mysql://x', '--sizes', '4, 8', '--word', 'w', '--loud', '--json']);
    expect(given).toMatchObject({ values: { count: 5, sizes: [4, 8], word: 'w', loud: true }, operands: ['mysql://x'], json: true });
  });

  it.each([
    [['--cuont', '3'], 'Did you mean --count?'],
    [['--count', 'many'], "--count must be a whole number from 1 to 10; given: 'many'."],
    [['--count', '11'], 'from 1 to 10'],
    [['--count', '-1'], /count/],
    [['--sizes', '1,,2'], /--sizes must be/],
    [['--count'], /argument missing/],
    [['--loud=yes'], /does not take an argument/],
    [['one', 'two'], 'sample takes at most [url].'],
  ])('that is wrong is refused, with what is allowed: %j', (argv, message) => {
    expect(() => parseCall(sample, argv)).toThrow(UsageError);
    expect(() => parseCall(sample, argv)).toThrow(message);
  });

  it('shows its options and defaults in the usage', () => {
    expect(usageOf(sample)).toContain('poolwright sample [url] [options]');
    expect(usageOf(sample)).toMatch(/--count N\s+How many\. \(default 3\)/);
  });
});

describe('the commands', () => {
  it('have names of their own and usages that fit a terminal of 160 columns', () => {
    expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length);
    for (const command of commands) for (const line of usageOf(command).split('\n')) expect(line.length).toBeLessThanOrEqual(160);
  });
});
