/** Korean by English. */
export const korean: Readonly<Record<string, string>> = {
};
