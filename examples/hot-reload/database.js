import { getPool } from 'poolwright';

// Evaluated again at each reload; the pool is the one that was there.
export const pool = getPool();
