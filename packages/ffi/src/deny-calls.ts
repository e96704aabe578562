/**
 * Takes system calls away from this process, for good and for all of its threads, by a seccomp filter (seccomp(2)):
 * they answer EPERM from then on. For processes that run other people's code over other people's files. Linux, x64 and
 * arm64.
 */
import { constants } from 'node:os';
import { syscallNumbers } from './libc-constants.ts';
import { type NativeLibrary, nativeLibrary } from './process.ts';

export type DeniableCall = 'fchown' | 'fchmod';

/** Audit numbers of the instruction sets (linux/audit.h): a call number means nothing without them. */
const AUDIT_ARCHES: Readonly<Record<string, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };

const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;

/** Instructions of struct sock_filter: code u16, jump when true u8, when false u8, operand u32. */
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const ANSWER_ERRNO = 0x0005_0000;
/** In struct seccomp_data. */
const CALL_AT = 0;
const ARCH_AT = 4;

const PROGRAM_AT = 16;
const INSTRUCTION_BYTES = 8;

/** Whether the calls are denied now; false where the system has no such filters or this process may not set them. */
export function denyCalls(calls: readonly DeniableCall[]): boolean {
  const library = process.platform === 'linux' ? nativeLibrary() : undefined;
  const numbers = syscallNumbers[process.arch];
  const arch = AUDIT_ARCHES[process.arch];
  if (library === undefined || numbers === undefined || arch === undefined) return false;
  const program = programOf(
    arch,
    calls.map((call) => numbers[call]),
  );
  return install(library, program, numbers.seccomp);
}

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, operand: number];

function programOf(arch: number, calls: readonly number[]): readonly Instruction[] {
  return [
    [LOAD_WORD, 0, 0, ARCH_AT],
    [JUMP_IF_EQUAL, 0, calls.length + 1, arch],
    [LOAD_WORD, 0, 0, CALL_AT],
    ...calls.map((call, i): Instruction => [JUMP_IF_EQUAL, calls.length - i, 0, call]),
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, ANSWER_ERRNO | constants.errno.EPERM],
  ];
}

function install(library: NativeLibrary, program: readonly Instruction[], seccompNumber: number): boolean {
  const prctl = library.func('int prctl(int, uint64_t, uint64_t, uint64_t, uint64_t)');
  const syscall = library.func('int64_t syscall(int64_t, unsigned int, unsigned int, const void*)');
  // Answers where its first argument is.
  const memmove = library.func('uint64_t memmove(void*, const void*, uint64_t)');
  if (prctl === undefined || syscall === undefined || memmove === undefined) return false;
  // struct sock_fprog { u16 length, pointer at 8 } and behind it what it points to; memory of this size never moves.
  const bytes = new Uint8Array(new ArrayBuffer(4096));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, program.length, true);
  view.setBigUint64(8, BigInt(memmove(bytes, bytes, 0)) + BigInt(PROGRAM_AT), true);
  program.forEach((instruction, i) => writeInstruction(view, PROGRAM_AT + i * INSTRUCTION_BYTES, instruction));
  if (Number(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) !== 0) return false;
  return Number(syscall(seccompNumber, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, bytes)) === 0;
}

function writeInstruction(view: DataView, at: number, [code, whenTrue, whenFalse, operand]: Instruction): void {
  view.setUint16(at, code, true);
  view.setUint8(at + 2, whenTrue);
  view.setUint8(at + 3, whenFalse);
  view.setUint32(at + 4, operand, true);
}
