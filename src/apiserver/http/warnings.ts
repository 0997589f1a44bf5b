/** Upstream: apiserver pkg/endpoints/filters.WithWarningRecorder: at most 4 KiB of warnings, each cut to 256 characters past that. */
const TOTAL_LIMIT = 4 * 1024;

/** Gathers the texts for the `Warning` headers of one answer: each once. */
export class WarningRecorder {
  readonly #texts = new Set<string>();

  add(text: string): void {
    this.#texts.add(text);
  }

  /** The values of the headers, `299 - "text"`. */
  headers(): readonly string[] {
    let total = 0;
    return [...this.#texts].map((text) => `299 - "${clean(text).replace(/[\\"]/g, '\\$&')}"`).filter((header) => (total += header.length) <= TOTAL_LIMIT);
  }
}

/** Control characters end a header or break it. What is not Latin-1 cannot stand in one as it is: it goes out as UTF-8 bytes. */
function clean(text: string): string {
  return Buffer.from(text.replace(/\p{Cc}/gu, ' ')).toString('latin1');
}
