import { parsePhoneNumberFromString } from 'libphonenumber-js';
import validator from 'validator';

const DEFAULT_COUNTRY = 'DE';

/**
 * A row of the file as it is stored: the name without superfluous space, the e-mail address in its usual form, the phone number in E.164.
 * `undefined` when there is no way to reach the person.
 */
export function clean({ name = '', email = '', phone = '' }) {
  const address = email.trim();
  if (!validator.isEmail(address)) return undefined;
  const number = parsePhoneNumberFromString(phone, DEFAULT_COUNTRY);
  const isValid = number?.isValid() === true;
  return {
    name: name.normalize('NFC').trim().replaceAll(/\s+/g, ' '),
    email: validator.normalizeEmail(address),
    phone: isValid ? number.number : null,
    country: isValid ? (number.country ?? null) : null,
  };
}
