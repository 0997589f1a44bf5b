import { expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { cookieOf, LOGIN_MS, SESSION_IDLE_MS, Sessions } from './sessions.ts';

test('a login token is good once', () => {
  const sessions = new Sessions(new FakeClock());
  const token = sessions.invite();
  const session = sessions.login(token);
  expect(session).toMatch(/^[\w-]{43}$/);
  expect(session).not.toBe(token);
  expect(sessions.has(session)).toBe(true);
  expect(sessions.login(token)).toBeUndefined();
  expect(sessions.has(token)).toBe(false);
});

test('tokens that are unknown, empty or too old buy nothing', async () => {
  const clock = new FakeClock();
  const sessions = new Sessions(clock);
  const token = sessions.invite();
  expect(sessions.login('')).toBeUndefined();
  expect(sessions.login(`${token.slice(1)}x`)).toBeUndefined();
  await clock.advance(LOGIN_MS + 1);
  expect(sessions.login(token)).toBeUndefined();
});

test('a session lasts while it is used', async () => {
  const clock = new FakeClock();
  const sessions = new Sessions(clock);
  const session = sessions.login(sessions.invite());
  await clock.advance(SESSION_IDLE_MS - 1);
  expect(sessions.has(session)).toBe(true);
  await clock.advance(SESSION_IDLE_MS - 1);
  expect(sessions.has(session)).toBe(true);
  await clock.advance(SESSION_IDLE_MS + 1);
  expect(sessions.has(session)).toBe(false);
  expect(sessions.has(undefined)).toBe(false);
});

test('one cookie is found among others', () => {
  expect(cookieOf('a=1; wherry-dashboard-80=x=y; b=2', 'wherry-dashboard-80')).toBe('x=y');
  expect(cookieOf('wherry-dashboard-8080=x', 'wherry-dashboard-80')).toBeUndefined();
  expect(cookieOf(undefined, 'a')).toBeUndefined();
});
