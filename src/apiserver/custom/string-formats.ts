import { isIP, isIPv4 } from 'node:net';
import { isDns1123Label, isDns1123Subdomain } from '../../api/names.ts';

type Check = (text: string) => boolean;

const matching = (pattern: RegExp): Check => (text) => pattern.test(text);

/** A day of the calendar, `2026-02-28`. */
function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isDateTime(text: string): boolean {
  const [date, time = ''] = text.toLowerCase().split('t');
  const found = /^(\d\d):(\d\d):(\d\d)(?:.\d+)?(?:z|[+-]\d\d:\d\d)$/.exec(time);
  return isDate(date!) && found !== null && Number(found[1]) <= 23 && Number(found[2]) <= 59 && Number(found[3]) <= 59;
}

const DURATION = /^[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const UNITS = [['ns', 'nano'], ['us', 'µs', 'micro'], ['ms', 'milli'], ['s', 'sec'], ['m', 'min'], ['h', 'hr', 'hour'], ['d', 'day'], ['w', 'wk', 'week']];

/** As Go has them, or whole numbers of units by name somewhere in the text: `3 days`. The last name of a unit may go on. */
function isDuration(text: string): boolean {
  if (DURATION.test(text)) return true;
  return [...text.matchAll(/\d+\s*([A-Za-zµ]+)/g)].some(([, name]) => {
    const unit = name!.toLowerCase();
    return UNITS.some((names) => names.includes(unit) || unit.startsWith(names.at(-1)!));
  });
}

/** An address with a scheme, or a path from the root. */
function isRequestUri(text: string): boolean {
  if (/\p{Cc}/u.test(text) || /%(?![0-9a-f]{2})/i.test(text.replace(/[?#].*$/, ''))) return false;
  const rest = /^[a-z][a-z0-9+.-]*:(.*)$/i.exec(text)?.[1] ?? (text.startsWith('/') ? text : undefined);
  if (rest === undefined || rest === '') return false;
  const authority = rest.startsWith('//') ? /^\/\/([^/?]*)/.exec(rest)![1]! : '';
  return !/[\s<>"]/.test(authority) && /^(.*@)?(\[[^\]]*\]|[^:]*)(:\d*)?$/.test(authority);
}

const HOST = /^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$/u;
const isHostname: Check = (text) => text.length <= 255 && text.split('.').every((part) => part.length <= 63) && HOST.test(text);

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/');
  const family = isIP(address);
  return more.length === 0 && family !== 0 && /^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

/** Somebody `Name <name@example.com>` or the address alone. */
const isEmail: Check = (text) => /^(?:[^<>@]*<)?[^\s<>@()[\],;:"]+@[^\s<>@()[\],;:"]+>?$/.test(text.trim()) && text.includes('<') === text.trim().endsWith('>');

const digits = (text: string): number[] => [...text].map(Number);

function isIsbn10(text: string): boolean {
  const plain = text.replace(/[\s-]+/g, '');
  return /^\d{9}[X\d]$/.test(plain) && [...plain].reduce((sum, digit, i) => sum + (i + 1) * (digit === 'X' ? 10 : Number(digit)), 0) % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const plain = text.replace(/[\s-]+/g, '');
  return /^\d{13}$/.test(plain) && digits(plain).reduce((sum, digit, i) => sum + digit * (i % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

const CARD = /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/;

function isCreditCard(text: string): boolean {
  const plain = text.replace(/\D+/g, '');
  const sum = digits(plain).reverse().reduce((total, digit, i) => total + (i % 2 === 0 ? digit : digit * 2 > 9 ? digit * 2 - 9 : digit * 2), 0);
  return CARD.test(plain) && sum % 10 === 0;
}

const COLOR = String.raw`\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*`;

/** By name, without its dashes. */
const FORMATS: Readonly<Record<string, Check>> = {
  bsonobjectid: matching(/^[0-9a-f]{24}$/i), uri: isRequestUri, email: isEmail, hostname: isHostname, ipv4: isIPv4, ipv6: (text) => isIP(text) !== 0 && text.includes(':'), cidr: isCidr,
  mac: matching(/^(?:[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}(?:[0-9a-f]{2}\1){0,14}[0-9a-f]{2}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2,9})$/i),
  uuid: matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i), uuid3: matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i),
  uuid4: matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i), uuid5: matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i),
  isbn: (text) => isIsbn10(text) || isIsbn13(text), isbn10: isIsbn10, isbn13: isIsbn13, creditcard: isCreditCard, ssn: matching(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matching(/^#?([0-9a-f]{3}|[0-9a-f]{6})$/i), rgbcolor: matching(new RegExp(String.raw`^rgb\(${COLOR},${COLOR},${COLOR}\)$`)),
  byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/),
  date: isDate, datetime: isDateTime, duration: isDuration,
  k8sshortname: (text) => isDns1123Label(text).length === 0, k8slongname: (text) => isDns1123Subdomain(text).length === 0,
};

/**
 * Whether a text is of a format; formats that upstream does not check say nothing. Upstream: apiextensions-apiserver
 * pkg/apiserver/validation/formats.go, kube-openapi pkg/validation/strfmt.
 */
export function isOfFormat(text: string, format: string): boolean {
  const name = format.replaceAll('-', '');
  return !Object.hasOwn(FORMATS, name) || FORMATS[name]!(text);
}
