/** The size that a pool finds for itself. */

export { SizeKeeper } from './size-keeper.js';
export { Sizer } from './sizer.js';
export type { UseWindow } from './window.js';
