let opened = 0;

/** What pools of anything hold where no database is involved. */
export const openObject = async (): Promise<object> => ({ id: (opened += 1) });
