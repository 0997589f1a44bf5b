import { describe, expect, it } from 'vitest';
import { addQuantities, canonicalQuantity, compareQuantities, isQuantity, milliValue, quantityOf, quantityToNumber, quantityValue, subtractQuantities } from './quantity.ts';

describe('quantities', () => {
  it.each([
    ['0', '0'], ['0Mi', '0'], ['-0', '0'], ['1000m', '1'], ['1500m', '1500m'], ['0.5', '500m'], ['1.5Gi', '1536Mi'], ['1024Mi', '1Gi'], ['1000Mi', '1000Mi'],
    ['512Ki', '512Ki'], ['1023', '1023'], ['1000', '1k'], ['1000000', '1M'], ['1100', '1100'], ['12e6', '12e6'], ['1e3', '1e3'], ['12000e3', '12e6'], ['1E3', '1e3'], ['1E', '1E'],
    ['0.1n', '1n'], ['1.0000000001', '1000000001n'], ['0.5Ki', '512'], ['0.5Mi', '512Ki'], ['0.1Ki', '102400m'], ['1.1', '1100m'], ['+5', '5'], ['-5', '-5'], ['.5', '500m'], ['5.', '5'],
    ['0005', '5'], ['9Ei', '9223372036854775807'], ['100000Gi', '100000Gi'], ['1024Gi', '1Ti'], ['-1.5Gi', '-1536Mi'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
    expect(canonicalQuantity(canonical)).toBe(canonical);
  });

  it.each(['', 'abc', '1ii', '1Kii', '1.2.3', '1 Gi', '1mm', '--1', '1e', '1ki'])('%s is none', (text) => expect(isQuantity(text)).toBe(false));

  it('computes exactly', () => {
    expect(addQuantities('100m', '0.2', undefined, '700m')).toBe('1');
    expect(addQuantities('0', '1Gi', '1Gi')).toBe('2Gi');
    expect(subtractQuantities('1Gi', '512Mi')).toBe('512Mi');
    expect(subtractQuantities('1', '1500m')).toBe('-500m');
    expect(compareQuantities('1Gi', '1024Mi')).toBe(0);
    expect(compareQuantities('1G', '1Gi')).toBe(-1);
    expect(compareQuantities(undefined, '-1')).toBe(1);
    expect([milliValue('1'), milliValue('250m'), milliValue('1.5'), milliValue('1n'), milliValue(undefined)]).toEqual([1000, 250, 1500, 1, 0]);
    expect([quantityValue('1Gi'), quantityValue('1500m'), quantityValue('64'), quantityValue('1.5Ki'), quantityValue('-1500m')]).toEqual([2 ** 30, 2, 64, 1536, -2]);
    expect([quantityToNumber('250m'), quantityToNumber('1e3')]).toEqual([0.25, 1000]);
    expect([quantityOf(1500, 'milli'), quantityOf(2 ** 31, 'units', 'BinarySI')]).toEqual(['1500m', '2Gi']);
  });
});
