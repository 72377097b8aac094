/**
 * What the machine must be able to do, by group, and which package brings it on Debian/Ubuntu (apt) and RHEL/Fedora (dnf).
 *
 * Each capability is asked for as such (a command in PATH, a pkg-config module, a file), never as a package: a DPDK
 * built by hand counts. Set-up, CI and the Containerfile all read this one table.
 *
 * Groups: `build` compiles; `lab` is what `spillway lab` calls; `test`, `lint`, `fuzz`, `bench`, `vm`, `image` are asked for only
 * by what needs them.
 *
 * @typedef {'build' | 'lab' | 'test' | 'lint' | 'fuzz' | 'bench' | 'vm' | 'image'} Group
 * @typedef {{ command: string, major?: number } | { pkgConfig: string } | { file: string[] }} Probe  `file`: any of
 *   these will do; `major`: the oldest major version that will, as --version says it
 * @typedef {object} Capability
 * @property {string} name    as a person would say it
 * @property {Group[]} groups
 * @property {Probe} probe
 * @property {string[]} apt
 * @property {string[]} dnf   empty: RHEL has no package for it
 * @property {readonly string[]} [backports]  Debian releases that have it only in their backports
 * @property {true} [unpack]  taken out of the Debian package without installing it (the package would start a service)
 */

/** @type {readonly Group[]} */
export const groups = ['build', 'lab', 'test', 'lint', 'fuzz', 'bench', 'vm', 'image']

/** @type {readonly Capability[]} */
export const capabilities = [
  { name: 'C compiler', groups: ['build'], probe: { command: 'cc' }, apt: ['gcc', 'libc6-dev'], dnf: ['gcc'] },
  { name: 'C++ compiler', groups: ['build'], probe: { command: 'c++' }, apt: ['g++'], dnf: ['gcc-c++'] },
  {
    name: 'C library for static programs',
    groups: ['build'],
    probe: {
      file: [
        '/usr/lib/x86_64-linux-gnu/libc.a',
        '/usr/lib/aarch64-linux-gnu/libc.a',
        '/usr/lib64/libc.a',
        '/usr/lib/libc.a',
      ],
    },
    apt: ['libc6-dev'],
    dnf: ['glibc-static'],
  },
  { name: 'make', groups: ['build'], probe: { command: 'make' }, apt: ['make'], dnf: ['make'] },
  {
    name: 'python3 (node-gyp is written in it)',
    groups: ['build'],
    probe: { command: 'python3' },
    apt: ['python3'],
    dnf: ['python3'],
  },
  {
    name: 'pkg-config',
    groups: ['build'],
    probe: { command: 'pkg-config' },
    apt: ['pkg-config'],
    dnf: ['pkgconf-pkg-config'],
  },
  {
    name: 'DPDK 22.11 or newer',
    groups: ['build'],
    probe: { pkgConfig: 'libdpdk >= 22.11' },
    apt: ['libdpdk-dev'],
    dnf: ['dpdk-devel'],
  },
  {
    name: 'libpcap',
    groups: ['build'],
    probe: { pkgConfig: 'libpcap' },
    apt: ['libpcap0.8-dev'],
    dnf: ['libpcap-devel'],
  },

  { name: 'ip', groups: ['lab', 'vm'], probe: { command: 'ip' }, apt: ['iproute2'], dnf: ['iproute'] },
  { name: 'ping', groups: ['lab', 'vm'], probe: { command: 'ping' }, apt: ['iputils-ping'], dnf: ['iputils'] },
  { name: 'ethtool', groups: ['lab'], probe: { command: 'ethtool' }, apt: ['ethtool'], dnf: ['ethtool'] },
  { name: 'unshare', groups: ['lab'], probe: { command: 'unshare' }, apt: ['util-linux'], dnf: ['util-linux-core'] },
  { name: 'nsenter', groups: ['lab'], probe: { command: 'nsenter' }, apt: ['util-linux'], dnf: ['util-linux-core'] },
  { name: 'setpriv', groups: ['lab', 'vm'], probe: { command: 'setpriv' }, apt: ['util-linux'], dnf: ['util-linux'] },
  { name: 'taskset', groups: ['lab'], probe: { command: 'taskset' }, apt: ['util-linux'], dnf: ['util-linux-core'] },

  {
    name: 'promtool',
    groups: ['test'],
    probe: { command: 'promtool' },
    apt: ['prometheus'],
    dnf: ['golang-github-prometheus'],
    unpack: true,
  },
  { name: 'setcap', groups: ['test', 'vm'], probe: { command: 'setcap' }, apt: ['libcap2-bin'], dnf: ['libcap'] },

  {
    name: 'clang-format',
    groups: ['lint'],
    probe: { command: 'clang-format' },
    apt: ['clang-format'],
    dnf: ['clang-tools-extra'],
  },
  {
    name: 'clang-tidy',
    groups: ['lint'],
    probe: { command: 'clang-tidy' },
    apt: ['clang-tidy'],
    dnf: ['clang-tools-extra'],
  },

  { name: 'clang', groups: ['fuzz'], probe: { command: 'clang' }, apt: ['clang'], dnf: ['clang'] },
  {
    name: "clang's libFuzzer and sanitizers",
    groups: ['fuzz'],
    probe: { file: libFuzzerFiles() },
    apt: ['libclang-rt-dev'],
    dnf: ['compiler-rt'],
  },

  {
    name: 'dpdk-testpmd',
    groups: ['bench', 'test', 'vm'],
    probe: { command: 'dpdk-testpmd' },
    apt: ['dpdk-dev'],
    dnf: ['dpdk'],
  },

  {
    name: 'QEMU 8 or newer, which has the igb NIC',
    groups: ['vm'],
    probe: { command: 'qemu-system-x86_64', major: 8 },
    apt: ['qemu-system-x86'],
    dnf: ['qemu-system-x86-core'],
    backports: ['bookworm'],
  },
  { name: 'busybox', groups: ['vm'], probe: { command: 'busybox' }, apt: ['busybox-static'], dnf: ['busybox'] },
  { name: 'cpio', groups: ['vm'], probe: { command: 'cpio' }, apt: ['cpio'], dnf: ['cpio'] },
  { name: 'xz', groups: ['vm'], probe: { command: 'xz' }, apt: ['xz-utils'], dnf: ['xz'] },
  { name: 'modprobe', groups: ['vm'], probe: { command: 'modprobe' }, apt: ['kmod'], dnf: ['kmod'] },
  { name: 'crun', groups: ['vm'], probe: { command: 'crun' }, apt: ['crun'], dnf: ['crun'] },
  { name: 'tcpdump', groups: ['test', 'vm'], probe: { command: 'tcpdump' }, apt: ['tcpdump'], dnf: ['tcpdump'] },

  { name: 'buildah', groups: ['image'], probe: { command: 'buildah' }, apt: ['buildah'], dnf: ['buildah'] },
  { name: 'podman', groups: ['image'], probe: { command: 'podman' }, apt: ['podman'], dnf: ['podman'] },
  { name: 'runc', groups: ['image'], probe: { command: 'runc' }, apt: ['runc'], dnf: ['runc'] },
]

/** By version of clang, which had minor numbers in its paths up to 15. */
function libFuzzerFiles() {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  const versions = ['14.0.6', '15.0.6', '15.0.7', ...Array.from({ length: 10 }, (_, i) => String(16 + i))]
  return versions.flatMap((version) => [
    `/usr/lib/llvm-${parseInt(version, 10)}/lib/clang/${version}/lib/linux/libclang_rt.fuzzer-${machine}.a`,
    `/usr/lib/clang/${version}/lib/linux/libclang_rt.fuzzer-${machine}.a`,
    `/usr/lib/clang/${version}/lib/${machine}-redhat-linux-gnu/libclang_rt.fuzzer.a`,
  ])
}
