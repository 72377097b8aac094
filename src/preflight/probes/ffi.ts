import { constants } from 'node:os'
import ffi from 'ffi-napi'

/*
 * The C library, for what Node has no call for. Loading it patches Buffer and every call costs 20 µs, so only the probe
 * child may import this file; a lint rule says so.
 *
 * Variadic callers are made once: each would be kept as long as the library, and after 65,536 of them another
 * signature's is taken.
 */

const libc = ffi.Library(null, {
  ioctl: ['int', ['int', 'ulong'], { varargs: true }],
  syscall: ['long', ['long'], { varargs: true }],
  mmap: ['long', ['ulong', 'size_t', 'int', 'int', 'int', 'long']],
  munmap: ['int', ['ulong', 'size_t']],
  memset: ['ulong', ['ulong', 'int', 'size_t']],
  memfd_create: ['int', ['string', 'uint']],
  ftruncate: ['int', ['int', 'long']],
  mlock2: ['int', ['ulong', 'size_t', 'uint']],
  socket: ['int', ['int', 'int', 'int']],
})

const ioctlWithBuffer = libc.ioctl('byte *')
const ioctlWithNumber = libc.ioctl('ulong')
const syscallOfSix = libc.syscall('ulong', 'ulong', 'ulong', 'ulong', 'ulong', 'ulong')

/** What a call returned, or the name of its errno. */
export type CallResult =
  | { readonly value: number; readonly error: null }
  | { readonly value: null; readonly error: string }

/** To be called with nothing between the system call and it: errno belongs to whoever called last. */
function resultOf(returned: number | string): CallResult {
  if (returned !== -1) return { value: Number(returned), error: null }
  return { value: null, error: errnoName(ffi.errno()) }
}

function errnoName(number: number): string {
  const entry = Object.entries(constants.errno).find(([, value]) => value === number)
  return entry?.[0] ?? `errno ${number}`
}

export function ioctl(fd: number, request: number, argument: Buffer | number): CallResult {
  return resultOf(
    typeof argument === 'number'
      ? ioctlWithNumber(fd, request, argument)
      : ioctlWithBuffer(fd, request, argument as Parameters<typeof ioctlWithBuffer>[2]),
  )
}

export function syscall(number: number, ...given: readonly number[]): CallResult {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = given
  return resultOf(syscallOfSix(number, a, b, c, d, e, f))
}

/** @param fd  -1 for anonymous memory */
export function mmap(bytes: number, protection: number, flags: number, fd: number): CallResult {
  return resultOf(libc.mmap(0, bytes, protection, flags, fd, 0))
}

export function munmap(address: number, bytes: number): CallResult {
  return resultOf(libc.munmap(address, bytes))
}

/** Writes one byte. Where the kernel has no page for it, SIGBUS ends the process. */
export function touch(address: number): void {
  libc.memset(address, 1, 1)
}

export function memfdCreate(name: string, flags: number): CallResult {
  return resultOf(libc.memfd_create(name, flags))
}

export function ftruncate(fd: number, bytes: number): CallResult {
  return resultOf(libc.ftruncate(fd, bytes))
}

export function mlock2(address: number, bytes: number, flags: number): CallResult {
  return resultOf(libc.mlock2(address, bytes, flags))
}

export function socket(domain: number, type: number, protocol: number): CallResult {
  return resultOf(libc.socket(domain, type, protocol))
}

/** What libnuma makes of this kernel and its seccomp profile; null where there is no libnuma. */
export function numaAvailable(): boolean | null {
  try {
    return ffi.Library('libnuma.so.1', { numa_available: ['int', []] }).numa_available() >= 0
  } catch {
    return null
  }
}
