/**
 * A type as CEL's checker has it, with what the estimate of costs needs: how much of it there may be. Types that a schema declares carry
 * their bounds; types that are inferred carry none. Upstream: apiserver pkg/cel/types.go DeclType.
 */
export interface CelType {
  readonly kind:
    | 'dyn' | 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'duration' | 'timestamp' | 'null' | 'type' | 'list' | 'map' | 'object' | 'optional' | 'opaque';
  /** Of the items of a list, the values of a map, what an optional holds. */
  readonly of?: CelType;
  /** By the name that rules use. */
  readonly fields?: ReadonlyMap<string, CelType>;
  /** The most items, entries or bytes that a value can have; 0 for what has no size. */
  readonly max: number;
  /** The fewest bytes that a value takes in JSON. */
  readonly minBytes: number;
}

const simple = (kind: CelType['kind'], minBytes = 0): CelType => ({ kind, max: 0, minBytes });

export const DYN = simple('dyn');
export const BOOL = simple('bool', 4);
export const INT = simple('int', 1);
export const UINT = simple('uint', 1);
export const DOUBLE = simple('double', 1);
export const STRING = simple('string', 2);
export const BYTES = simple('bytes', 2);
export const DURATION = simple('duration', 3);
export const TIMESTAMP = simple('timestamp', 21);
export const NULL = simple('null');
export const TYPE = simple('type');
export const OPAQUE = simple('opaque');

export const listOf = (of: CelType): CelType => ({ kind: 'list', of, max: 0, minBytes: 2 });
export const mapOf = (of: CelType): CelType => ({ kind: 'map', of, max: 0, minBytes: 2 });
export const optionalOf = (of: CelType): CelType => ({ kind: 'optional', of, max: 0, minBytes: 0 });

/** Whether all values of a type are of one size. */
export const isScalar = ({ kind, of }: CelType): boolean => (kind === 'optional' ? isScalar(of!) : SCALARS.has(kind));

const SCALARS: ReadonlySet<CelType['kind']> = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint']);
