import { expect, test } from 'vitest';
import { account } from './korean-account.ts';
import { koreanAdvice, koreanOf } from './korean-of.ts';

test.each([
  ['The pod mem has no node yet (made 33m ago).', '파드 mem: 아직 노드가 없음 (33m 전에 만듦).'],
  ['The service lb sends its traffic to 1 pod, and waits for an external address (made 2m7s ago).', '서비스 lb: 트래픽을 파드 1개로 보냄, 외부 주소를 기다림 (2m7s 전에 만듦).'],
  ['a node with 900 GiB of memory free, for the pod mem', '메모리 900 GiB 여유가 있는 노드 (파드 mem)'],
  ['n1, n2: has 5 GiB of memory free; the pod asks for 6 GiB: 1 GiB too little', 'n1, n2: 메모리의 여유는 5 GiB, 파드의 요구는 6 GiB, 모자람은 1 GiB'],
  ['the image web:1, for the pods a, b and 2 more', '이미지 web:1 (파드 a, b and 2 more)'],
  ['The last time it ended 47s ago, with a fault of its own (exit code 3).', '마지막으로 47s 전에 끝났습니다: 프로그램의 오류 (종료 코드 3).'],
  ['Every 2 s it is asked by HTTP at port 8080, path /no; until it answers well it gets no traffic.', '2초마다 물어보며(HTTP, 포트 8080, 경로 /no), 잘 답할 때까지 트래픽을 받지 않습니다.'],
  ['room in the quota small, for the pods of the deployment q', '쿼터 small의 여유 (디플로이먼트 q의 파드)'],
  ['the namespace controller', 'namespace 컨트롤러'],
  ['something that nobody has put into Korean', 'something that nobody has put into Korean'],
])('%s', (english, korean) => expect(koreanOf(english)).toBe(korean));

test('commands in advice stay', () => expect(koreanAdvice('Read what it wrote: kubectl logs web -c c')).toBe('무엇을 썼는지 보세요: kubectl logs web -c c'));

test('no value gets lost', () => {
  const places = (text: string): string => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort().join();
  expect(Object.entries(account).filter(([english, words]) => places(english) !== places(words))).toEqual([]);
});
