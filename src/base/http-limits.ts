/** Bytes of a request's first line and headers: what Go's server takes. A command to execute is part of the URL. */
export const MAX_HEADER_BYTES = 1024 * 1024;
