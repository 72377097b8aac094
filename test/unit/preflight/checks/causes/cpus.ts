import { hugepages, vf } from '../../../plan/fixtures.js'
import { vfAddress } from '../fixtures.js'
import { container, host } from './pods.js'
import type { Row } from './row.js'

export const cpus: readonly Row[] = [
  ['one CPU', { cpus: { allowed: [2] } }, 'cpu-one', 'warning', /resources\.limits\.cpu: "2"/],
  [
    'every CPU of the machine',
    { cpus: { allowed: [2, 3, 4, 5], online: [2, 3, 4, 5] } },
    'cpus-shared',
    'warning',
    /cpuManagerPolicy: static/,
  ],
  [
    'the shared pool of a node with the static CPU manager policy',
    { cpus: { shares: 1024 } },
    'cpus-shared',
    'warning',
    /4 are allowed, and the pod requested 1 CPUs \(1024 shares\).*cpuManagerPolicy: static/,
  ],
  [
    'load balancing switched off',
    { cpus: { loadBalancing: false } },
    'cpu-load-balancing-off',
    'note',
    /pins each housekeeping thread/,
  ],
  [
    'a quota with lcores that poll',
    { cpus: { quota: 4 }, settings: { idle: 'poll' } },
    'cpu-quota',
    'warning',
    /cpu-quota\.crio\.io: "disable"/,
  ],
  [
    'a quota with lcores that sleep',
    { cpus: { quota: 4 }, settings: { idle: 'ramp' } },
    'cpu-quota',
    'note',
    /CPU time of 4 for 4 allowed CPUs/,
  ],
  [
    'a quota of a container of docker',
    { ...container, cpus: { quota: 4 }, settings: { idle: 'poll' } },
    'cpu-quota',
    'warning',
    /option --cpus is a quota.*--cpuset-cpus LIST.*; or Spillway: idle: ramp$/,
  ],
  [
    'a quota of a systemd unit',
    { ...host, cpus: { quota: 4 }, settings: { idle: 'ramp' } },
    'cpu-quota',
    'note',
    /has CPUQuota=.*systemd: CPUQuota= \(empty\)/,
  ],
  [
    'a quota of a systemd unit that held us back',
    { ...host, cpus: { quota: 4, throttledPeriods: 17 } },
    'cpu-throttled',
    'warning',
    /systemd: CPUQuota= \(empty\)/,
  ],
  ['a quota that held us back', { cpus: { quota: 4, throttledPeriods: 17 } }, 'cpu-throttled', 'warning', /17 periods/],
  [
    'siblings that both poll',
    {
      cpus: {
        cores: [
          [2, 3],
          [4, 5],
        ],
      },
      settings: { lcores: '4,5' },
    },
    'smt-both-poll',
    'warning',
    /lcores: "4"/,
  ],
  [
    'a sibling of another pod',
    {
      cpus: {
        cores: [
          [2, 12],
          [3, 13],
          [4, 14],
          [5, 15],
        ],
        online: [0, 2, 3, 4, 5, 12, 13, 14, 15],
      },
    },
    'smt-sibling-foreign',
    'warning',
    /full-pcpus-only/,
  ],
  [
    'a core that polls and does the housekeeping',
    { cpus: { allowed: [2, 3], cores: [[2, 3]] } },
    'smt-sibling-housekeeping',
    'note',
    /cores that do both: 2-3/,
  ],
  [
    'a VF on another NUMA node than the CPUs',
    { environment: { pciDevices: [vf(vfAddress, { numaNode: 1 })] } },
    'numa-cpus',
    'warning',
    /on NUMA node 1, where 0000:3b:02\.4 is.*single-numa-node/,
  ],
  [
    "no hugepages on the VF's NUMA node",
    {
      environment: {
        hugepages: [
          {
            ...hugepages('2Mi', 512),
            nodes: [
              { numaNode: 0, total: 256, free: 0 },
              { numaNode: 1, total: 256, free: 256 },
            ],
          },
        ],
      },
    },
    'hugepages-other-node',
    'warning',
    /node 0: 0 MiB, node 1: 512 MiB/,
  ],
  ['CPUs of our own, where an exec lands too', {}, 'exec-on-polling-cpus', 'note', /exec_cpu_affinity/],
  [
    'an annotation that keeps execs on all CPUs',
    { pod: { runtimeAnnotations: { 'performance.openshift.io/exec-cpu-affinity': 'disable' } } },
    'exec-on-polling-cpus',
    'note',
    /remove the annotation/,
  ],
]
