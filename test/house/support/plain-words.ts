/** Words that the prose of the sources and documents avoids, each with the plainer one. */

/** What is avoided, and what to write instead. */
export interface PlainWord {
  readonly avoided: RegExp;
  readonly plainer: string;
}

/** The trade's words come first: waiter, caller, borrower, operator, server. */
export const PLAIN_WORDS: readonly PlainWord[] = [
  { avoided: /\b(?:whoever|whosoever)\b/gi, plainer: 'the caller that, the borrower that, the waiter that' },
  { avoided: /\bwhomever\b/gi, plainer: 'the caller that' },
  { avoided: /\b(?:somebody|someone)\b/gi, plainer: 'a caller, a borrower, an operator' },
  { avoided: /\b(?:nobody|no one)\b/gi, plainer: 'no caller, no waiter, nothing' },
  { avoided: /\b(?:anybody|anyone)\b/gi, plainer: 'any caller, any client' },
  { avoided: /\b(?:everybody|everyone)\b/gi, plainer: 'all callers, every user' },
  { avoided: /\bthose who\b/gi, plainer: 'callers that, waiters that' },
  { avoided: /\b(?:hear|hears|heard|hearing) of\b/gi, plainer: 'learns of, knows, is reported' },
  { avoided: /\bfor ever\b/gi, plainer: 'forever, without limit' },
  { avoided: /\b(?:go|goes|going|gone|went) on\b/gi, plainer: 'continues' },
  { avoided: /\b(?:has|have|had|having) no part in\b/gi, plainer: 'does not take part in' },
  { avoided: /\b(?:tell|tells|told|telling)\b/gi, plainer: 'reports, knows, distinguishes' },
  { avoided: /\b(?:whatever|whatsoever)\b/gi, plainer: 'any, what' },
  { avoided: /\bwhichever\b/gi, plainer: 'any, the one that' },

  // Other languages in English words.
  { avoided: /\bby hand\b/gi, plainer: 'manually' },
  { avoided: /\banew\b/gi, plainer: 'again' },
  { avoided: /\balso (?:when|where|while|if)\b/gi, plainer: 'even when, even if' },
  { avoided: /\bwhat for\b/gi, plainer: 'why, for what purpose' },
  { avoided: /\bas ever\b/gi, plainer: 'as before, as usual' },
  { avoided: /\bout of reach\b/gi, plainer: 'unreachable' },
  { avoided: /\bdearer\b/gi, plainer: 'more expensive' },
  { avoided: /\bgoes before\b/gi, plainer: 'overrides' },
  { avoided: /\bso many (?:percent|(?:milli)?seconds)\b/gi, plainer: 'this many, this percentage' },
  { avoided: /\bwhich of them\b/gi, plainer: 'which, with the noun' },
  { avoided: /\b(?:that|which|what|one) (?:is|are) none\b/gi, plainer: 'that is not a number, that is not a text' },
  { avoided: /\bnothing of (?:it|them)\b/gi, plainer: 'none of it, no part of' },
  { avoided: /\bso does one\b/gi, plainer: 'the sentence in its usual order' },
  { avoided: /\b(?:one|some) that (?:is|are|was|were) made\b/gi, plainer: 'the noun: a client that is made' },
  { avoided: /\ball the same\b/gi, plainer: 'anyway, still' },
  { avoided: /\blikewise\b/gi, plainer: 'also, in the same way' },
  { avoided: /\bfor long\b/gi, plainer: 'for a long time' },
  { avoided: /\bby chance\b/gi, plainer: 'at random, accidentally' },
  { avoided: /\b(?:greatest|largest) age\b/gi, plainer: 'maximum lifetime' },
  { avoided: /\bmisspelt\b/gi, plainer: 'misspelled' },
  { avoided: /\bmend(?:s|ed|ing)?\b/gi, plainer: 'fix' },
];

/** One avoided word in a text, with the offset where it stands. */
export interface AvoidedWord {
  readonly offset: number;
  readonly word: string;
  readonly plainer: string;
}

/** The avoided words of a text; a line break counts as a space. */
export function avoidedWordsIn(text: string): readonly AvoidedWord[] {
  const inOneLine = text.replaceAll(/\n[ \t]*(?:\*(?!\/)|\/\/)?[ \t]*/g, (gap) => ' '.repeat(gap.length));
  return PLAIN_WORDS.flatMap(({ avoided, plainer }) => {
    const pattern = new RegExp(avoided.source.replaceAll(' ', ' +'), avoided.flags);
    return [...inOneLine.matchAll(pattern)].map(({ index, 0: found }) => ({ offset: index, word: found.replaceAll(/ +/g, ' '), plainer }));
  });
}
