/**
 * The program of the sandbox image, as an ELF file of a few hundred bytes: blocks SIGINT, SIGTERM and SIGCHLD, then waits for
 * them; reaps its children on SIGCHLD (it is process 1 of a pod that shares its process namespace), ends with 0 on the others.
 *
 *   sigprocmask(SIG_BLOCK, mask)
 *   wait: signal = sigtimedwait(mask)
 *         signal == SIGCHLD → reap;  signal < 0 → wait;  exit_group(0)
 *   reap: wait4(-1, 0, WNOHANG) > 0 → reap, else wait
 *
 * Blocking matters: to process 1 of a namespace an unblocked signal without a handler is never delivered.
 */
export type Architecture = 'amd64' | 'arm64';

/** SIGINT (2), SIGTERM (15) and SIGCHLD (17), signal n at bit n-1. */
const MASK = (1 << 1) | (1 << 14) | (1 << 16);
const LOAD_ADDRESS = 0x400000n;
const HEADERS = 64 + 56;

const MACHINES: Record<Architecture, { readonly elfMachine: number; readonly code: () => Buffer }> = {
  amd64: { elfMachine: 62, code: amd64Code },
  arm64: { elfMachine: 183, code: arm64Code },
};

/** Node's name of this machine's architecture in the field's words; throws where we have no program for it. */
export function thisArchitecture(arch: string = process.arch): Architecture {
  if (arch === 'x64') return 'amd64';
  if (arch === 'arm64') return 'arm64';
  throw new Error(`no sandbox program for processors of type ${arch}: x64 and arm64 are known`);
}

export function pauseProgram(architecture: Architecture): Buffer {
  const { elfMachine, code } = MACHINES[architecture];
  const body = code();
  const size = BigInt(HEADERS + body.length);
  const head = Buffer.alloc(HEADERS);
  // File header: 64 bit, little endian, executable, one program header right behind.
  head.write('\x7fELF', 0, 'latin1');
  head.set([2, 1, 1], 4);
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(elfMachine, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(LOAD_ADDRESS + BigInt(HEADERS), 24);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(64, 52);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt16LE(64, 58);
  // Program header: load the whole file, readable and executable.
  head.writeUInt32LE(1, 64);
  head.writeUInt32LE(5, 68);
  head.writeBigUInt64LE(LOAD_ADDRESS, 80);
  head.writeBigUInt64LE(LOAD_ADDRESS, 88);
  head.writeBigUInt64LE(size, 96);
  head.writeBigUInt64LE(size, 104);
  head.writeBigUInt64LE(0x10000n, 112);
  return Buffer.concat([head, body]);
}

/** Bytes with places that are filled in when the label they lead to is known. */
class Assembly {
  readonly bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #places: { at: number; label: string; fill: (bytes: number[], at: number, target: number) => void }[] = [];

  emit(...bytes: number[]): void {
    this.bytes.push(...bytes);
  }

  /** One little-endian 32-bit word. */
  word(value: number): void {
    this.emit(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
  }

  label(name: string): void {
    this.#labels.set(name, this.bytes.length);
  }

  place(label: string, fill: (bytes: number[], at: number, target: number) => void): void {
    this.#places.push({ at: this.bytes.length, label, fill });
  }

  finish(): Buffer {
    for (const { at, label, fill } of this.#places) fill(this.bytes, at, this.#labels.get(label)!);
    return Buffer.from(this.bytes);
  }
}

function amd64Code(): Buffer {
  const a = new Assembly();
  const near = (label: string): void => {
    a.place(label, (bytes, at, target) => { bytes[at] = (target - at - 1) & 0xff; });
    a.emit(0);
  };
  const far = (label: string): void => {
    a.place(label, (bytes, at, target) => {
      const distance = target - at - 4;
      for (let i = 0; i < 4; i++) bytes[at + i] = (distance >> (8 * i)) & 0xff;
    });
    a.emit(0, 0, 0, 0);
  };
  const syscall = (number: number): void => a.emit(0xb8, number, 0, 0, 0, 0x0f, 0x05); // mov eax, number; syscall
  a.emit(0x31, 0xff); // xor edi, edi: SIG_BLOCK
  a.emit(0x48, 0x8d, 0x35); far('mask'); // lea rsi, [mask]
  a.emit(0x31, 0xd2); // xor edx, edx
  a.emit(0x41, 0xba, 8, 0, 0, 0); // mov r10d, 8
  syscall(14); // rt_sigprocmask
  a.label('wait');
  a.emit(0x48, 0x8d, 0x3d); far('mask'); // lea rdi, [mask]
  a.emit(0x31, 0xf6, 0x31, 0xd2); // xor esi, esi; xor edx, edx
  a.emit(0x41, 0xba, 8, 0, 0, 0); // mov r10d, 8
  syscall(128); // rt_sigtimedwait
  a.emit(0x83, 0xf8, 17, 0x74); near('reap'); // cmp eax, SIGCHLD; je reap
  a.emit(0x85, 0xc0, 0x78); near('wait'); // test eax, eax; js wait
  a.emit(0x31, 0xff); // xor edi, edi
  syscall(231); // exit_group
  a.label('reap');
  a.emit(0xbf, 0xff, 0xff, 0xff, 0xff); // mov edi, -1
  a.emit(0x31, 0xf6); // xor esi, esi
  a.emit(0xba, 1, 0, 0, 0); // mov edx, WNOHANG
  a.emit(0x45, 0x31, 0xd2); // xor r10d, r10d
  syscall(61); // wait4
  a.emit(0x85, 0xc0, 0x7f); near('reap'); // test eax, eax; jg reap
  a.emit(0xeb); near('wait'); // jmp wait
  a.label('mask');
  a.word(MASK);
  a.word(0);
  return a.finish();
}

function arm64Code(): Buffer {
  const a = new Assembly();
  const mov = (register: number, value: number): void => a.word((0xd2800000 | (value << 5) | register) >>> 0); // movz x, #value
  const syscall = (number: number): void => {
    mov(8, number);
    a.word(0xd4000001); // svc #0
  };
  const addWord = (bytes: number[], at: number, bits: number): void => {
    for (let i = 0; i < 4; i++) bytes[at + i] = bytes[at + i]! | ((bits >>> (8 * i)) & 0xff);
  };
  const adr = (register: number, label: string): void => {
    a.place(label, (bytes, at, target) => {
      const distance = target - at;
      addWord(bytes, at, (((distance & 3) << 29) | (((distance >> 2) & 0x7ffff) << 5)) >>> 0);
    });
    a.word((0x10000000 | register) >>> 0);
  };
  const branch = (opcode: number, bits: number, shift: number, label: string): void => {
    a.place(label, (bytes, at, target) => addWord(bytes, at, ((((target - at) >> 2) & (2 ** bits - 1)) << shift) >>> 0));
    a.word(opcode);
  };
  mov(0, 0); // SIG_BLOCK
  adr(1, 'mask');
  mov(2, 0);
  mov(3, 8);
  syscall(135); // rt_sigprocmask
  a.label('wait');
  adr(0, 'mask');
  mov(1, 0);
  mov(2, 0);
  mov(3, 8);
  syscall(137); // rt_sigtimedwait
  a.word(0x7100441f); // cmp w0, #17
  branch(0x54000000, 19, 5, 'reap'); // b.eq
  branch(0x37f80000, 14, 5, 'wait'); // tbnz w0, #31
  mov(0, 0);
  syscall(94); // exit_group
  a.label('reap');
  a.word(0x92800000); // movn x0, #0: -1
  mov(1, 0);
  mov(2, 1); // WNOHANG
  mov(3, 0);
  syscall(260); // wait4
  a.word(0x7100001f); // cmp w0, #0
  branch(0x5400000c, 19, 5, 'reap'); // b.gt
  branch(0x14000000, 26, 0, 'wait'); // b
  a.label('mask');
  a.word(MASK);
  a.word(0);
  return a.finish();
}
