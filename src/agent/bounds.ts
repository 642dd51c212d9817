/** Bounds of what clients may ask, apart from the schemas: the command line says them in its help, and builds none. */

/** Seconds that a change may wait for its confirmation at most: a day. */
export const longestConfirmation = 86_400;
/** Hits older than this are forgotten, s: the longest window. */
export const longestWindow = 7 * 86_400;
/** The window that a promotion looks back over where none is given, s. */
export const defaultWindow = 86_400;
