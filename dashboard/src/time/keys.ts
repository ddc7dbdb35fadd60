/** Keys of the whole page. */

import { useEffect } from 'react';

/** Each key's work, unless one types into a field or a dialogue is open. */
export function useKeys(keys: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLElement && event.target.closest('input, select, textarea, dialog') !== null;
      if (!isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) keys[event.key]?.();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
}
