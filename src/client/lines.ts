/** The lines of a byte stream, without their ends and without empty ones; an unfinished last line is dropped, as a cut-off stream leaves it. */
export async function* lines(stream: AsyncIterable<unknown>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let begun: string[] = [];
  for await (const chunk of stream) {
    const parts = decoder.decode(chunk as Uint8Array, { stream: true }).split('\n');
    const last = parts.pop()!;
    for (const part of parts) {
      const line = begun.length > 0 ? begun.join('') + part : part;
      begun = [];
      if (line.trim() !== '') yield line;
    }
    if (last !== '') begun.push(last);
  }
}
