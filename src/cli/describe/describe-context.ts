import type { Session } from '../command/session.ts';
import type { DescribeWriter } from './writer.ts';

export interface DescribeContext {
  readonly session: Session;
  readonly out: DescribeWriter;
  readonly nowMs: number;
}

/** Writes all but the events. */
export type Describer = (object: never, context: DescribeContext) => Promise<void> | void;
