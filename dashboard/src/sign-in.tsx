/** Signing in: the form that stands on a locked page, and the same form in a dialog to change or drop the token. */

import { type FormEvent, type RefObject, useEffect, useId, useRef } from 'react';
import { setToken, token } from './connection.js';
import type { Link } from './live-store.js';

type Closed = 'locked' | 'blocked' | 'refused';

/** Whether the page shows nothing but why. */
export function isClosed(link: Link): link is Closed {
  return link === 'locked' || link === 'blocked' || link === 'refused';
}

const TITLES: Readonly<Record<Closed, string>> = {
  locked: 'This server requires a token.',
  blocked: 'Too many wrong tokens came from this address.',
  refused: 'This process requires a different token from the one that this server has.',
};

const HELP: Readonly<Record<Closed, string>> = {
  locked: 'Use the value of POOLWRIGHT_TOKEN or of the option token. It stays in this tab.',
  blocked: 'The server ignores this address for a minute. The page tries again by itself; then you can sign in.',
  refused: 'Give both the same POOLWRIGHT_TOKEN and POOLWRIGHT_OPERATE_TOKEN. The server tries again each minute.',
};

/** What stands on the page instead of everything else. `checking`: a token is being tried. */
export function Locked({ link, checking, onToken }: { readonly link: Closed; readonly checking: boolean; readonly onToken: () => void }) {
  return (
    <section className="sign-in" aria-label="Sign in">
      <h2>
        <span role="alert">{TITLES[link]}</span>
      </h2>
      <p>{HELP[link]}</p>
      {link === 'refused' ? null : (
        <TokenForm
          submit={checking ? 'Checking …' : 'Sign in'}
          error={checking ? undefined : link === 'locked' && token() !== undefined ? 'This token was refused.' : undefined}
          disabled={link === 'blocked'}
          onToken={onToken}
        />
      )}
    </section>
  );
}

/** Changes the token, or drops it. */
export function SignInDialog({ dialog, onToken }: { readonly dialog: RefObject<HTMLDialogElement | null>; readonly onToken: () => void }) {
  return (
    <dialog ref={dialog} aria-labelledby="sign-in">
      <h2 id="sign-in">Sign in</h2>
      <p>The token stays in this tab. An operate token also allows actions. Leave the field empty to sign out.</p>
      <TokenForm
        submit="Use this token"
        mayBeEmpty
        onToken={() => {
          dialog.current?.close();
          onToken();
        }}
        onCancel={() => dialog.current?.close()}
      />
    </dialog>
  );
}

interface TokenFormProps {
  readonly submit: string;
  /** Why the last token was not taken. */
  readonly error?: string | undefined;
  readonly disabled?: boolean;
  readonly mayBeEmpty?: boolean;
  readonly onToken: () => void;
  readonly onCancel?: () => void;
}

function TokenForm({ submit, error, disabled = false, mayBeEmpty = false, onToken, onCancel }: TokenFormProps) {
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  // After a wrong token, the next one can be typed at once.
  useEffect(() => {
    if (error !== undefined) field.current?.focus();
  }, [error]);
  const take = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget).get('token');
    setToken(typeof given === 'string' ? given.trim() : '');
    event.currentTarget.reset();
    onToken();
  };
  return (
    <form className="token-form" onSubmit={take}>
      <label htmlFor={id}>Token</label>
      <div className="token-row">
        <input
          ref={field}
          id={id}
          name="token"
          type="password"
          autoComplete="off"
          required={!mayBeEmpty}
          disabled={disabled}
          aria-invalid={error !== undefined}
          aria-describedby={`${id}-error`}
        />
        {onCancel === undefined ? null : (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
        <button type="submit" className="primary" disabled={disabled}>
          {submit}
        </button>
      </div>
      <p id={`${id}-error`} className="error" role="alert">
        {error === undefined ? null : `✕ ${error}`}
      </p>
    </form>
  );
}
