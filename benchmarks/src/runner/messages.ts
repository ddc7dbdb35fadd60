import type { Address, Figures, Questions, ReplicatedAddresses, Round } from '../scenario.js';

/** From the runner to the process of a contestant. */
export type Order =
  | { readonly kind: 'create'; readonly scenario: string; readonly contestant: string; readonly surroundings: SentSurroundings }
  | { readonly kind: 'run'; readonly setting: number; readonly round: Round }
  | { readonly kind: 'close' }
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: string };

/** And back. */
export type Notice =
  | { readonly kind: 'ready'; readonly connections: number | undefined }
  | { readonly kind: 'figures'; readonly figures: Figures; readonly fixedWorkMs?: number }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'question'; readonly id: number; readonly name: keyof Questions };

export interface SentSurroundings {
  readonly id: string;
  readonly database: Address;
  readonly tls: Address;
  readonly delayed: Address;
  readonly wrongCa: string;
  readonly replicated?: ReplicatedAddresses;
}
